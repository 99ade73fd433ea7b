//! Values that clones of a store share until one of them changes.
//!
//! A snapshot of a store is a clone of it, taken every few hundred entries of the log. Each kind of object
//! is one [`Shared`] table: a clone costs one count of references a table, and the first change of a table
//! after that copies it once. A persistent tree would copy only a path, but it is slower at everything else,
//! and a store in a test is small.
//!
//! Deliberately absent: implicit mutable access. Whoever may copy a table says so by [`Shared::edit`].

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that its clones share until one of them edits it. Written as the value itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Shared<T>(Arc<T>);

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> Shared<T> {
    /// The value, to be changed; copied first if somebody shares it.
    pub(super) fn edit(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

/// Writes a map as a sequence of pairs, ascending by key: formats such as JSON know no keys but texts.
pub(super) mod pairs {
    use std::collections::BTreeMap;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Shared;

    /// Writes the pairs.
    pub(crate) fn serialize<K, V, S>(
        map: &Shared<BTreeMap<K, V>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error>
    where
        K: Serialize,
        V: Serialize,
        S: Serializer,
    {
        serializer.collect_seq(map.iter())
    }

    /// Reads the pairs; a key that comes twice is an error.
    pub(crate) fn deserialize<'de, K, V, D>(
        deserializer: D,
    ) -> Result<Shared<BTreeMap<K, V>>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        let mut map = BTreeMap::new();
        for (key, value) in Vec::<(K, V)>::deserialize(deserializer)? {
            if map.insert(key, value).is_some() {
                return Err(D::Error::custom("a key comes twice"));
            }
        }
        Ok(Shared::from(map))
    }
}
