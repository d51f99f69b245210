//! A map by id that is cheap to clone: snapshots of a project are handed to many readers while the next fact is folded in.
//! A clone costs one reference count; the first change after it copies the map's pointers, never the values.

use std::{collections::BTreeMap, collections::btree_map, sync::Arc};

#[derive(Clone, Debug, PartialEq)]
pub struct Table<K: Ord, V>(Arc<BTreeMap<K, Arc<V>>>);

impl<K: Ord, V> Default for Table<K, V> {
    fn default() -> Self {
        Table(Arc::new(BTreeMap::new()))
    }
}

impl<K: Ord + Copy, V: Clone> Table<K, V> {
    pub fn get(&self, key: K) -> Option<&V> {
        self.0.get(&key).map(|value| &**value)
    }

    /// The value to keep, without copying it.
    pub fn get_arc(&self, key: K) -> Option<Arc<V>> {
        self.0.get(&key).cloned()
    }

    pub fn contains(&self, key: K) -> bool {
        self.0.contains_key(&key)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of the keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.0.iter().map(|(key, value)| (*key, &**value))
    }

    pub fn keys(&self) -> impl DoubleEndedIterator<Item = K> {
        self.0.keys().copied()
    }

    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.0.values().map(|value| &**value)
    }

    /// False, and no change, where the key is taken.
    pub(crate) fn insert_new(&mut self, key: K, value: V) -> bool {
        if self.0.contains_key(&key) {
            return false;
        }
        Arc::make_mut(&mut self.0).insert(key, Arc::new(value));
        true
    }

    pub(crate) fn remove(&mut self, key: K) -> bool {
        self.0.contains_key(&key) && Arc::make_mut(&mut self.0).remove(&key).is_some()
    }

    /// Nothing where the key is absent.
    pub(crate) fn change(&mut self, key: K, change: impl FnOnce(&mut V)) {
        if !self.0.contains_key(&key) {
            return;
        }
        if let btree_map::Entry::Occupied(mut entry) = Arc::make_mut(&mut self.0).entry(key) {
            change(Arc::make_mut(entry.get_mut()));
        }
    }
}
