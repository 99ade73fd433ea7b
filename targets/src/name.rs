//! The names of nodes.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a node: `n1`, `n2`, ... in the simulator, a host's name elsewhere.
///
/// Shorter names sort first, so that `n2` stands before `n10` in everything that is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeName(Arc<str>);

impl NodeName {
    /// A node of this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name of the node with this number: node 0 is `n1`.
    pub fn numbered(number: u32) -> Self {
        Self(format!("n{}", u64::from(number) + 1).into())
    }

    /// The number of a node that has the name of [`NodeName::numbered`]; `None` for any other name.
    pub fn number(&self) -> Option<u32> {
        let number = self
            .0
            .strip_prefix('n')?
            .parse::<u32>()
            .ok()?
            .checked_sub(1)?;
        (Self::numbered(number) == *self).then_some(number)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for NodeName {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |name: &Self| name.0.len();
        key(self)
            .cmp(&key(other))
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for NodeName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for NodeName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl Serialize for NodeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NodeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_that_of_the_one_name_it_gives() {
        for number in [0, 9, u32::MAX - 1] {
            assert_eq!(NodeName::numbered(number).number(), Some(number));
        }
        for name in ["n0", "n01", "n+1", "1", "n", "node1", "n4294967296"] {
            assert_eq!(NodeName::new(name).number(), None, "{name}");
        }
    }

    #[test]
    fn nodes_sort_as_people_count_them() {
        let mut names: Vec<NodeName> = [9, 0, 99, 1].map(NodeName::numbered).to_vec();
        names.sort();
        let text: Vec<&str> = names.iter().map(NodeName::as_str).collect();
        assert_eq!(text, ["n1", "n2", "n10", "n100"]);
    }
}
