//! `rupture node`: one node of a target as this process.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use anyhow::Context;
use rupture_targets::node::clock::NodeClock;
use rupture_targets::node::{NodeError, NodeOptions};
use rupture_targets::{NodeName, TargetOptions, serve};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::cli::NodeArgs;
use crate::exit::{Exit, bad_input};
use crate::{input, interrupt, plan};

/// Runs until it is told to end.
///
/// # Errors
/// What a node cannot start with or go on without.
pub fn main(args: &NodeArgs) -> anyhow::Result<Exit> {
    let options = if args.controlled {
        controlled()?
    } else {
        options(args)?
    };
    interrupt::listen();
    match serve(&options, &interrupt::requested) {
        Ok(()) => Ok(Exit::Valid),
        Err(NodeError::Target(error)) => Err(bad_input(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// What a controller says first. From here on the node ends with it, whatever ends that.
fn controlled() -> anyhow::Result<NodeOptions> {
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .context("the standard input cannot be read")?;
    let options: NodeOptions = serde_json::from_str(&line)
        .map_err(|error| bad_input(format!("the first line of the standard input: {error}")))?;
    #[cfg(target_os = "linux")]
    {
        let ends = set_parent_process_death_signal(Some(Signal::KILL));
        ends.context("cannot ask to end with the controller")?;
        let parent = getppid().map(|pid| pid.as_raw_pid() as u32);
        if options.controller.is_some() && parent != options.controller {
            anyhow::bail!("the controller has ended already");
        }
    }
    Ok(options)
}

fn options(args: &NodeArgs) -> anyhow::Result<NodeOptions> {
    let id = number(&args.name)?;
    let mut peers = BTreeMap::new();
    for peer in &args.peer {
        let wrong = || {
            bad_input(format!(
                "--peer {peer}: write a node and its address, such as n2=127.0.0.1:7201"
            ))
        };
        let (name, address) = peer.split_once('=').ok_or_else(wrong)?;
        let address: SocketAddr = address.trim().parse().map_err(|_| wrong())?;
        if number(name.trim())? == id {
            return Err(bad_input(format!(
                "--peer {peer}: that is this node itself"
            )));
        }
        if peers.insert(number(name.trim())?, address).is_some() {
            return Err(bad_input(format!("--peer {name} is given twice")));
        }
    }
    let token = match &args.token_file {
        Some(path) => input::read_text(path)?.trim().to_owned(),
        None => String::new(),
    };
    Ok(NodeOptions {
        name: args.target.clone(),
        target: TargetOptions {
            nodes: args.nodes,
            mutant: args.mutant.clone(),
            reads: args.reads.clone(),
            settings: plan::settings(&args.set)?,
            watch: args.log,
            // Elections need nodes that do not all draw the same.
            seed: u64::from(std::process::id()),
            ..TargetOptions::default()
        },
        id,
        listen: args.listen,
        listen_peers: args.listen_peers,
        peers,
        data: args.data.clone(),
        token,
        clock: NodeClock::honest(),
        controller: None,
        disk: rupture_targets::DiskFault::default(),
    })
}

/// The number of a node of this name.
fn number(name: &str) -> anyhow::Result<u32> {
    let number = NodeName::new(name).number();
    number.ok_or_else(|| bad_input(format!("`{name}` names no node; write n1, n2, ...")))
}
