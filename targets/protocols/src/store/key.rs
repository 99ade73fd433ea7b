//! The idempotency key of a request: `{request_id}:{operation_type}`.
//!
//! The store itself takes any text as a key; whoever makes keys makes them here.

use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

use super::Command;

/// What all attempts of one operation have in common, and no two operations.
///
/// Printed as `{request_id}:{operation_type}`. A request id may hold colons; an operation type may not, so
/// that the last colon is the one between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey {
    request_id: String,
    operation_type: String,
}

/// Why a text is not an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdempotencyKeyError {
    /// There is no colon.
    #[error("no `:` between request id and operation type")]
    NoColon,
    /// Nothing stands before the last colon.
    #[error("the request id is empty")]
    NoRequestId,
    /// What stands after the last colon is empty, or holds something else than `a-z`, digits and `-`.
    #[error("the operation type must be of lower-case letters, digits and `-`")]
    BadOperationType,
}

impl IdempotencyKey {
    /// The key of this operation.
    ///
    /// # Errors
    /// When the request id is empty.
    pub fn new(request_id: &str, command: &Command) -> Result<Self, IdempotencyKeyError> {
        if request_id.is_empty() {
            return Err(IdempotencyKeyError::NoRequestId);
        }
        Ok(Self {
            request_id: request_id.to_owned(),
            operation_type: command.operation_type().to_owned(),
        })
    }

    /// What names the operation.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// What kind of operation it is, as in [`Command::operation_type`].
    pub fn operation_type(&self) -> &str {
        &self.operation_type
    }
}

impl Display for IdempotencyKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.request_id, self.operation_type)
    }
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (request_id, operation_type) =
            text.rsplit_once(':').ok_or(IdempotencyKeyError::NoColon)?;
        if request_id.is_empty() {
            return Err(IdempotencyKeyError::NoRequestId);
        }
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if operation_type.is_empty() || !operation_type.bytes().all(fits) {
            return Err(IdempotencyKeyError::BadOperationType);
        }
        Ok(Self {
            request_id: request_id.to_owned(),
            operation_type: operation_type.to_owned(),
        })
    }
}
