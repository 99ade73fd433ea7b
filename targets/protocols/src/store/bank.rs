//! Accounts and transfers: the sum of all balances never changes, and no balance is below zero.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shared::{Shared, pairs};
use super::{Datum, Response, refused};

/// All accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Bank {
    opened: bool,
    #[serde(with = "pairs")]
    balances: Shared<BTreeMap<Datum, i64>>,
}

impl Bank {
    /// Opens the accounts, once. Balances whose sum does not fit are refused here so that no transfer can
    /// overflow later.
    pub(super) fn open(&mut self, accounts: &[(Datum, i64)]) -> Response {
        if self.opened {
            return Response::Done;
        }
        if accounts.iter().any(|(_, balance)| *balance < 0) {
            return refused("an account cannot be opened overdrawn");
        }
        let sum = accounts
            .iter()
            .try_fold(0_i64, |sum, (_, balance)| sum.checked_add(*balance));
        if sum.is_none() {
            return refused("the balances are too great to be summed");
        }
        let balances: BTreeMap<_, _> = accounts.iter().cloned().collect();
        if balances.len() < accounts.len() {
            return refused("an account cannot be opened twice");
        }
        *self = Self {
            opened: true,
            balances: balances.into(),
        };
        Response::Done
    }

    pub(super) fn transfer(&mut self, from: &Datum, to: &Datum, amount: i64) -> Response {
        match self.transferred(from, to, amount) {
            Ok((rest, sum)) => {
                let balances = self.balances.edit();
                for (account, balance) in [(from, rest), (to, sum)] {
                    if let Some(place) = balances.get_mut(account) {
                        *place = balance;
                    }
                }
                Response::Done
            }
            Err(reason) => refused(reason),
        }
    }

    /// The balances of both accounts after the transfer.
    fn transferred(
        &self,
        from: &Datum,
        to: &Datum,
        amount: i64,
    ) -> Result<(i64, i64), &'static str> {
        if amount < 1 {
            return Err("the amount must be at least 1");
        }
        if from == to {
            return Err("from and to are the same account");
        }
        let balance = |account| self.balances.get(account).ok_or("there is no such account");
        let (from, to) = (*balance(from)?, *balance(to)?);
        if from < amount {
            return Err("the account would be overdrawn");
        }
        let sum = to.checked_add(amount).ok_or("the balance would overflow")?;
        Ok((from - amount, sum))
    }

    pub(super) fn balances(&self) -> Response {
        let copy = |(account, balance): (&Datum, &i64)| (account.clone(), *balance);
        Response::Balances(self.balances.iter().map(copy).collect())
    }
}
