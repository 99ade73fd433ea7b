//! The transfers and reads of one bank, as the history has them.

use std::ops::Range;

use rupture_history::{Value, ValueRef};
use rustc_hash::FxHashMap;

use super::super::frame::{NEVER, Op};
use crate::CheckError;
use crate::values::canonical;

/// A transfer, whatever came of it.
#[derive(Clone, Copy)]
pub(super) struct Transfer {
    pub(super) invoked: u32,
    pub(super) failed: bool,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) amount: i128,
}

/// An `ok` read, or what a bank was opened with.
#[derive(Clone)]
pub(super) struct Read<'a> {
    pub(super) op: Op<'a>,
    lines: Range<usize>,
    /// The sum of the balances; `None` where one is nil.
    pub(super) total: Option<i128>,
}

/// The transfers and reads of one bank.
#[derive(Default)]
pub(super) struct Ledger<'a> {
    numbers: FxHashMap<Value, u32>,
    accounts: Vec<Value>,
    /// In the order of their invocations.
    pub(super) transfers: Vec<Transfer>,
    /// The same.
    pub(super) reads: Vec<Read<'a>>,
    lines: Vec<(u32, Option<i64>)>,
    /// The first opening that did not fail.
    opening: Option<Read<'a>>,
    /// Another opening that did not fail has other balances.
    ambiguous: bool,
}

impl<'a> Ledger<'a> {
    /// The number of an account. The names of JSON's objects are strings, those of integers too.
    fn account(&mut self, account: ValueRef<'_>) -> u32 {
        let integer = account.as_str().and_then(|name| name.parse::<i64>().ok());
        self.numbered(match integer {
            Some(integer) => Value::Int(integer),
            None => canonical(account.to_value()),
        })
    }

    fn numbered(&mut self, account: Value) -> u32 {
        let next = self.accounts.len() as u32;
        let number = *self.numbers.entry(account.clone()).or_insert(next);
        if number == next {
            self.accounts.push(account);
        }
        number
    }

    pub(super) fn transfer(&mut self, op: Op<'a>) -> Result<(), CheckError> {
        let value = op.argument();
        let amount = value.field("amount").and_then(ValueRef::as_int);
        let (Some(from), Some(to), Some(amount)) = (value.field("from"), value.field("to"), amount)
        else {
            return Err(op.wrong_argument("{:from account :to account :amount integer}"));
        };
        let transfer = Transfer {
            invoked: op.invoked(),
            failed: op.failed(),
            from: self.account(from),
            to: self.account(to),
            amount: i128::from(amount),
        };
        self.transfers.push(transfer);
        Ok(())
    }

    pub(super) fn open(&mut self, op: Op<'a>) -> Result<(), CheckError> {
        let expected = "{account balance ...} with integers for balances";
        let opening = self.balances(op, op.argument());
        let opening = opening.filter(|opening| opening.total.is_some());
        let opening = opening.ok_or_else(|| op.wrong_argument(expected))?;
        match &self.opening {
            _ if op.failed() => {}
            Some(first) => self.ambiguous |= op.argument() != first.op.argument(),
            None => self.opening = Some(opening),
        }
        Ok(())
    }

    /// What the bank was to be opened with.
    pub(super) fn opened_with(&self) -> Option<i128> {
        self.opening.as_ref()?.total
    }

    /// The opening, if it certainly was one, and was over before anything else began.
    pub(super) fn opening(&self) -> Option<&Read<'a>> {
        let reads = self.reads.first().map(|read| read.op.invoked());
        let transfers = self.transfers.first().map(|transfer| transfer.invoked);
        let next = reads.into_iter().chain(transfers).min().unwrap_or(NEVER);
        let opening = self.opening.as_ref().filter(|_| !self.ambiguous)?;
        (opening.op.acknowledged() < next).then_some(opening)
    }

    pub(super) fn read(&mut self, op: Op<'a>) -> Result<(), CheckError> {
        let Some(value) = op.result() else {
            return Ok(());
        };
        let expected = "{account balance ...} with integers or nil for balances";
        let read = self.balances(op, value);
        self.reads
            .push(read.ok_or_else(|| op.wrong_result(expected))?);
        Ok(())
    }

    /// The balances that an operation shows: a map, or a vector by the numbers of the accounts; `None` where these are none.
    fn balances(&mut self, op: Op<'a>, value: ValueRef<'_>) -> Option<Read<'a>> {
        let start = self.lines.len();
        let mut total = Some(0);
        let mut shown: Vec<(u32, ValueRef<'_>)> = Vec::new();
        if value.is_vector() {
            let places = (0..).zip(value.items()?);
            shown
                .extend(places.map(|(place, balance)| (self.numbered(Value::Int(place)), balance)));
        } else {
            let entries = value.entries()?;
            for (account, balance) in entries {
                shown.push((self.account(account), balance));
            }
        }
        for (account, balance) in shown {
            if balance.as_int().is_none() && !balance.is_nil() {
                return None;
            }
            let line = (account, balance.as_int());
            total = total
                .zip(line.1)
                .map(|(sum, balance)| sum + i128::from(balance));
            self.lines.push(line);
        }
        let lines = start..self.lines.len();
        Some(Read { op, lines, total })
    }

    /// The accounts and balances of a read.
    pub(super) fn lines(&self, read: &Read<'_>) -> &[(u32, Option<i64>)] {
        &self.lines[read.lines.clone()]
    }

    pub(super) fn name(&self, account: u32) -> String {
        self.accounts[account as usize].to_string()
    }

    /// How many accounts are named anywhere.
    pub(super) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// What is held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.accounts.capacity() * 160
            + self.transfers.capacity() * size_of::<Transfer>()
            + self.reads.capacity() * size_of::<Read<'_>>()
            + self.lines.capacity() * size_of::<(u32, Option<i64>)>()
    }
}
