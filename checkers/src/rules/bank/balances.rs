//! What the reads of a bank must show.

use rustc_hash::FxHashMap;

use super::super::frame::{Case, NEVER, Op};
use super::super::report::{Proof, Report};
use super::ledger::{Ledger, Read, Transfer};
use crate::Budget;

/// How many accounts are named that a read does not show.
const NAMED: usize = 16;
/// The total of Jepsen's workload, where none is given.
const TOTAL: i128 = 100;

/// What an account began with, by a read that shows it: at least, or at most.
#[derive(Clone, Copy)]
struct Bound<'a> {
    began_with: i128,
    balance: i128,
    /// What transfers could have brought in, or taken out, by then.
    moved: i128,
    shown_by: Op<'a>,
}

/// What could have happened to an account so far, and what reads say of its beginning.
#[derive(Clone, Copy, Default)]
struct Account<'a> {
    came: i128,
    went: i128,
    least: Option<Bound<'a>>,
    most: Option<Bound<'a>>,
    told: bool,
}

/// The reads of a bank and what they are held to.
pub(super) struct Balances<'a> {
    case: &'a Case<'a>,
    ledger: &'a Ledger<'a>,
    total: i128,
    /// The opening, if it shows the total.
    opening: Option<&'a Read<'a>>,
    /// The opening, or else the first read that shows the total.
    model: Option<&'a Read<'a>>,
    /// How many reads show it.
    agreeing: usize,
    /// The row from which transfers, or the opening, name each account.
    named: Vec<u32>,
    /// The accounts of the model, or of the first read.
    shown: Vec<bool>,
}

impl<'a> Balances<'a> {
    pub(super) fn new(case: &'a Case<'a>, ledger: &'a Ledger<'a>, total: Option<i128>) -> Self {
        let total = total.unwrap_or_else(|| usual_total(ledger));
        let shows = |read: &&'a Read<'a>| read.total == Some(total);
        let opening = ledger.opening().filter(shows);
        let mut balances = Self {
            case,
            ledger,
            total,
            opening,
            model: opening.or_else(|| ledger.reads.iter().find(shows)),
            agreeing: ledger.reads.iter().filter(shows).count(),
            named: vec![NEVER; ledger.accounts()],
            shown: vec![false; ledger.accounts()],
        };
        balances.find_accounts();
        balances
    }

    fn find_accounts(&mut self) {
        for transfer in self.ledger.transfers.iter().rev() {
            for account in [transfer.from, transfer.to] {
                self.named[account as usize] = transfer.invoked;
            }
        }
        for &(account, _) in self.opening.map_or(&[][..], |it| self.ledger.lines(it)) {
            self.named[account as usize] = 0;
        }
        for &(account, _) in self.first().map_or(&[][..], |it| self.ledger.lines(it)) {
            self.shown[account as usize] = true;
        }
    }

    /// What every read must have the accounts of.
    fn first(&self) -> Option<&'a Read<'a>> {
        self.model.or(self.ledger.reads.first())
    }

    pub(super) fn tell_assumptions(&self, given: Option<i128>, report: &mut Report<'_>) {
        let (reads, of_key) = (self.ledger.reads.len(), self.case.of_key());
        if given.is_none() && reads > 0 {
            report.note(match self.agreeing {
                agreeing if agreeing > 1 => format!(
                    "no total was given{of_key}: {} was taken for it, which {agreeing} of {reads} reads show",
                    self.total
                ),
                _ => format!(
                    "no total was given{of_key}, and no two reads show the same: {} was taken for it, as in Jepsen's workload",
                    self.total
                ),
            });
        }
    }

    pub(super) fn judge(
        &self,
        negative_balances: bool,
        report: &mut Report<'_>,
        budget: &Budget<'_>,
    ) {
        for read in &self.ledger.reads {
            self.accounts(read, report);
            self.lines(read, negative_balances, report);
            if read.total.is_some_and(|total| total != self.total) {
                let name = read.op.completed_index().to_string();
                report.find("wrong-total", name, || self.wrong_total(read));
            }
        }
        self.explain(report, budget);
    }

    fn lines(&self, read: &Read<'_>, negative_balances: bool, report: &mut Report<'_>) {
        for &(account, balance) in self.ledger.lines(read) {
            let name = self.ledger.name(account);
            let event = read.op.completed_index();
            let proof = |what: String| {
                let of_key = self.case.of_key();
                let proof = Proof::new(
                    self.case,
                    format!("the read of event {event}{of_key} shows {what}"),
                );
                proof.by(read.op)
            };
            match balance {
                None => report.find("nil-balance", name.clone(), || {
                    let why = "Every account that there is holds some amount.";
                    proof(format!("no balance of account {name}")).because(why)
                }),
                Some(balance) if balance < 0 && !negative_balances => {
                    report.find("negative-value", format!("{name}:{balance}"), || {
                        let why = "No transfer may take more than there is.";
                        proof(format!("the balance {balance} of account {name}")).because(why)
                    });
                }
                Some(_) => {}
            }
        }
    }

    fn wrong_total(&self, read: &Read<'_>) -> Proof {
        let (event, total) = (read.op.completed_index(), read.total.unwrap_or_default());
        let summary = format!(
            "the balances of the read of event {event}{} add up to {total} and not to {}",
            self.case.of_key(),
            self.total
        );
        let mut proof = Proof::new(self.case, summary).by(read.op);
        if let Some(model) = self.model {
            let model = model.op;
            proof = proof.by(model).because(format!(
                "The {} of event {} shows the total {}, and no transfer changes it.",
                model.f(),
                model.completed_index(),
                self.total
            ));
        } else {
            proof = proof.because(format!(
                "The total is {}, and no transfer changes it.",
                self.total
            ));
        }
        let missing = self.differing(read).filter(|(_, shown)| !shown);
        let missing: Vec<String> = missing
            .take(NAMED)
            .map(|(account, _)| self.ledger.name(account))
            .collect();
        if !missing.is_empty() {
            proof = proof.because(format!(
                "It does not show the accounts {}.",
                missing.join(", ")
            ));
        }
        proof
    }

    /// The accounts that only one of a read and the model shows, and whether it is this one.
    fn differing(&self, read: &Read<'_>) -> impl Iterator<Item = (u32, bool)> + '_ {
        let mut shown = vec![false; self.shown.len()];
        for &(account, _) in self.ledger.lines(read) {
            shown[account as usize] = true;
        }
        let accounts = shown.into_iter().zip(&self.shown).enumerate();
        let differing = accounts.filter(|(_, (here, there))| here != *there);
        differing.map(|(account, (here, _))| (account as u32, here))
    }

    /// Nothing but a transfer opens or closes an account.
    fn accounts(&self, read: &Read<'_>, report: &mut Report<'_>) {
        for (account, here) in self.differing(read) {
            if self.named[account as usize] < read.op.acknowledged() {
                continue;
            }
            let kind = if here {
                "unexpected-key"
            } else {
                "missing-account"
            };
            report.find(kind, self.ledger.name(account), || {
                self.appeared(read, account, here)
            });
        }
    }

    fn appeared(&self, read: &Read<'_>, account: u32, here: bool) -> Proof {
        let name = self.ledger.name(account);
        let other = self.first().map_or(read.op, |first| first.op);
        let [shows, shows_not] = if here {
            [read.op, other]
        } else {
            [other, read.op]
        };
        let summary = format!(
            "the {} of event {}{} shows the account {name}, and the {} of event {} does not",
            shows.f(),
            shows.completed_index(),
            self.case.of_key(),
            shows_not.f(),
            shows_not.completed_index()
        );
        let why = format!(
            "No transfer that had begun by event {} names it.",
            read.op.completed_index()
        );
        Proof::new(self.case, summary)
            .by(shows)
            .by(shows_not)
            .because(why)
    }

    /// Whether every account can have begun with something that all reads with the right total agree on.
    fn explain(&self, report: &mut Report<'_>, budget: &Budget<'_>) {
        let mut accounts = vec![Account::default(); self.named.len()];
        let mut transfers = self
            .ledger
            .transfers
            .iter()
            .filter(|transfer| !transfer.failed)
            .peekable();
        let mut reads: Vec<&Read<'_>> =
            self.opening.into_iter().chain(&self.ledger.reads).collect();
        reads.retain(|read| read.total == Some(self.total));
        reads.sort_by_key(|read| read.op.acknowledged());
        let mut balances = vec![0; accounts.len()];
        for read in reads {
            let held = self.ledger.bytes() + accounts.capacity() * size_of::<Account<'_>>();
            if report.is_over(budget, held) {
                return;
            }
            while let Some(transfer) = transfers.next_if(|it| it.invoked < read.op.acknowledged()) {
                book(&mut accounts, transfer);
            }
            balances.fill(0);
            for &(account, balance) in self.ledger.lines(read) {
                balances[account as usize] = i128::from(balance.unwrap_or_default());
            }
            for (number, account) in accounts.iter_mut().enumerate() {
                self.bound(number as u32, account, balances[number], read.op, report);
            }
        }
    }

    fn bound(
        &self,
        number: u32,
        account: &mut Account<'a>,
        balance: i128,
        shown_by: Op<'a>,
        report: &mut Report<'_>,
    ) {
        let bound = |began_with: i128, moved: i128| Bound {
            began_with,
            balance,
            moved,
            shown_by,
        };
        let least = bound(balance - account.came, account.came);
        let most = bound(balance + account.went, account.went);
        if account
            .least
            .is_none_or(|other| other.began_with < least.began_with)
        {
            account.least = Some(least);
        }
        if account
            .most
            .is_none_or(|other| other.began_with > most.began_with)
        {
            account.most = Some(most);
        }
        if let (Some(least), Some(most), false) = (account.least, account.most, account.told)
            && least.began_with > most.began_with
        {
            account.told = true;
            let tell = || self.unexplained(number, least, most);
            report.find("unexplained-balance", self.ledger.name(number), tell);
        }
    }

    fn unexplained(&self, account: u32, least: Bound<'_>, most: Bound<'_>) -> Proof {
        let name = self.ledger.name(account);
        let (low, high) = (least.shown_by, most.shown_by);
        let summary = format!(
            "account {name}{} shows {} and {}, which no transfers explain",
            self.case.of_key(),
            least.balance,
            most.balance
        );
        Proof::new(self.case, summary)
            .by(low)
            .because(format!(
                "The {} of event {} shows {}. Transfers that had begun by then and did not fail could have brought in at \
                 most {}: the account began with at least {}.",
                low.f(),
                low.completed_index(),
                least.balance,
                least.moved,
                least.began_with
            ))
            .by(high)
            .because(format!(
                "The {} of event {} shows {}. Transfers that had begun by then and did not fail could have taken out at \
                 most {}: the account began with at most {}.",
                high.f(),
                high.completed_index(),
                most.balance,
                most.moved,
                most.began_with
            ))
    }
}

/// The total that most reads show, the first of these, if at least two show it.
fn usual_total(ledger: &Ledger<'_>) -> i128 {
    let mut counts: FxHashMap<i128, usize> = FxHashMap::default();
    let totals = || ledger.reads.iter().filter_map(|read| read.total);
    for total in totals() {
        *counts.entry(total).or_default() += 1;
    }
    // Of equal ones the last is kept: the totals are gone through from behind.
    let all: Vec<i128> = totals().collect();
    let usual = all.into_iter().rev().max_by_key(|total| counts[total]);
    usual.filter(|total| counts[total] > 1).unwrap_or(TOTAL)
}

/// What a transfer could have done, if it happened.
fn book(accounts: &mut [Account<'_>], transfer: &Transfer) {
    if transfer.from == transfer.to {
        return;
    }
    let amount = transfer.amount;
    let (payer, payee) = match amount {
        0.. => (transfer.from, transfer.to),
        _ => (transfer.to, transfer.from),
    };
    accounts[payer as usize].went += amount.abs();
    accounts[payee as usize].came += amount.abs();
}
