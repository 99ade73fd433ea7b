//! Why a disk did not do what it was asked.

use std::io;
use std::path::{Path, PathBuf};

/// Why a disk did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The machine refused.
    #[error("cannot {action} `{}`: {reason}", .path.display())]
    Machine {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// Another process uses the folder.
    #[error(
        "another process has `{}` open: stop it first, or give this node a folder of its own",
        .folder.display()
    )]
    Locked {
        /// Which.
        folder: PathBuf,
    },
    /// What was kept is not what was written.
    #[error(
        "`{}` is damaged at byte {offset}: {what}. A node must not go on with a hole in its log: restore its folder from \
         a copy, or remove the node from its cluster, delete its folder, and let it join again as a new one",
        .path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// How that shows.
        what: String,
    },
    /// The file that tells how far the log was synced tells nothing.
    #[error(
        "`{}` does not tell how far the log was synced, so that nobody knows what a loss of power leaves: start the node \
         once, which syncs its log and writes the file anew",
        .path.display()
    )]
    Unmarked {
        /// Which file.
        path: PathBuf,
    },
    /// A record that cannot be written down.
    #[error("cannot save a record: {reason}")]
    Record {
        /// Why not.
        reason: String,
    },
    /// Something failed before, and nobody knows what of it is on the disk.
    #[error(
        "the disk is not used any more since it failed ({first}): start the node again, which reads what was kept"
    )]
    Broken {
        /// The first failure.
        first: String,
    },
}

impl DiskError {
    /// What the machine refused, as a function of its reason.
    pub(super) fn machine(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::Machine {
            action,
            path: path.to_owned(),
            reason,
        }
    }

    pub(super) fn damaged(path: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            offset,
            what: what.into(),
        }
    }
}
