//! A bounded map that forgets what was not used for the longest time.

use std::collections::HashMap;
use std::hash::Hash;

/// A bounded map. When it is full, the eighth that was not used for the longest time goes, but for what is in use.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    entries: HashMap<K, Entry<V>>,
    capacity: usize,
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    last_use: u64,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), capacity, uses: 0 }
    }

    /// The value of a key.
    pub(crate) fn get(&mut self, key: &K) -> Option<&mut V> {
        self.uses += 1;
        let entry = self.entries.get_mut(key)?;
        entry.last_use = self.uses;
        Some(&mut entry.value)
    }

    /// Keeps a value. `is_in_use` names the values that must not be forgotten; they may exceed the bound.
    pub(crate) fn insert(&mut self, key: K, value: V, is_in_use: impl Fn(&V) -> bool) {
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&key) {
            self.forget_some(is_in_use);
        }
        self.uses += 1;
        self.entries.insert(key, Entry { value, last_use: self.uses });
    }

    /// Forgets every value for which `keep` is false.
    pub(crate) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.entries.retain(|_, entry| keep(&entry.value));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }

    fn forget_some(&mut self, is_in_use: impl Fn(&V) -> bool) {
        let idle = self.entries.iter().filter(|(_, entry)| !is_in_use(&entry.value));
        let mut idle: Vec<_> = idle.map(|(key, entry)| (entry.last_use, key.clone())).collect();
        idle.sort_unstable_by_key(|(last_use, _)| *last_use);
        // Several at once, so that a full map is not gone through for every new key.
        for (_, key) in idle.into_iter().take(self.capacity / 8 + 1) {
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_forgets_what_was_not_used_for_longest() {
        let mut map = Recent::new(3);
        for key in 1..=3 {
            map.insert(key, key, |_| false);
        }
        assert_eq!(map.get(&1), Some(&mut 1));
        map.insert(4, 4, |_| false);
        assert_eq!(map.get(&2), None);
        assert_eq!(
            (map.get(&1).copied(), map.get(&3).copied(), map.get(&4).copied()),
            (Some(1), Some(3), Some(4))
        );
    }

    #[test]
    fn the_bound_holds_for_any_number_of_keys() {
        let mut map = Recent::new(16);
        for key in 0..1000 {
            map.insert(key, (), |()| false);
            assert!(map.entries.len() <= 16);
        }
    }

    #[test]
    fn what_is_in_use_stays() {
        let mut map = Recent::new(2);
        map.insert(1, "busy", |_| false);
        map.insert(2, "idle", |_| false);
        map.insert(3, "new", |value| *value == "busy");
        assert_eq!(map.get(&1), Some(&mut "busy"));
        assert_eq!(map.get(&2), None);
    }
}
