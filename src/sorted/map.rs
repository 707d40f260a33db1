//! The map.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

use super::order::{Numbers, Order, Place};

/// A map in the order of its keys.
#[derive(Clone)]
pub struct SortedMap<K, V> {
    order: Order,
    /// The entries, each at its number in the order; `None` where there is none now.
    entries: Vec<Option<(K, V)>>,
    /// The numbers of no entry.
    free: Vec<u32>,
}

impl<K, V> SortedMap<K, V> {
    /// A map without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries in the order of their keys.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { numbers: self.order.numbers(), entries: &self.entries }
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Keeps only the entries that `keep` wants. They are asked for in the order of their keys.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let Self { order, entries, free } = self;
        order.retain(&mut |number| {
            let Some(entry) = entries.get_mut(number as usize) else {
                return false;
            };
            let kept = entry.as_mut().is_some_and(|(key, value)| keep(key, value));
            if !kept {
                *entry = None;
                free.push(number);
            }
            kept
        });
    }

    /// Changes all values, in the order of their keys.
    pub fn for_each_mut(&mut self, mut change: impl FnMut(&K, &mut V)) {
        for number in self.order.numbers() {
            if let Some(Some((key, value))) = self.entries.get_mut(number as usize) {
                change(key, value);
            }
        }
    }

    /// Takes all entries out.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the first entry out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        let number = self.order.pop_first()?;
        self.take(number)
    }

    /// Takes an entry out that is in the order no more.
    fn take(&mut self, number: u32) -> Option<(K, V)> {
        let entry = self.entries.get_mut(number as usize)?.take();
        self.free.push(number);
        entry
    }

    fn entry(&self, number: u32) -> Option<&(K, V)> {
        self.entries.get(number as usize)?.as_ref()
    }

    fn value_mut(&mut self, number: u32) -> Option<&mut V> {
        self.entries.get_mut(number as usize)?.as_mut().map(|(_, value)| value)
    }

    /// Puts an entry at a place of the order.
    fn put(&mut self, place: Place, entry: (K, V)) {
        let number = self.free.pop().unwrap_or(self.entries.len() as u32);
        match self.entries.get_mut(number as usize) {
            Some(free) => *free = Some(entry),
            None => self.entries.push(Some(entry)),
        }
        self.order.insert(place, number);
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let number = self.order.get(self.find(key).ok()?)?;
        self.entry(number).map(|(_, value)| value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let number = self.order.get(self.find(key).ok()?)?;
        self.value_mut(number)
    }

    /// The entries behind a key, which itself need not be there.
    pub fn after<Q: Ord + ?Sized>(&self, key: &Q) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let found = self.find(key);
        let (Ok(place) | Err(place)) = found;
        let mut entries = Iter { numbers: self.order.numbers_from(place), entries: &self.entries };
        if found.is_ok() {
            entries.next();
        }
        entries
    }

    /// Whether there is an entry of a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Sets the value of a key; gives the one that it had. The key stays the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(place) => {
                let number = self.order.get(place)?;
                self.value_mut(number).map(|old| std::mem::replace(old, value))
            }
            Err(place) => {
                self.put(place, (key, value));
                None
            }
        }
    }

    /// Changes the value of a key, which is the default one where it has none yet.
    pub fn change<R>(&mut self, key: K, change: impl FnOnce(&mut V) -> R) -> R
    where
        V: Default,
    {
        let place = self.find(&key);
        let number = place.ok().and_then(|place| self.order.get(place));
        if let Some(value) = number.and_then(|number| self.value_mut(number)) {
            return change(value);
        }
        let mut value = V::default();
        let changed = change(&mut value);
        self.insert(key, value);
        changed
    }

    /// Takes an entry out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.find(key).ok()?;
        let number = self.order.remove(place)?;
        self.take(number).map(|(_, value)| value)
    }

    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Place, Place>
    where
        K: Borrow<Q>,
    {
        self.order.find(&|number| self.entry(number).map_or(Ordering::Less, |(own, _)| own.borrow().cmp(key)))
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self { order: Order::default(), entries: Vec::new(), free: Vec::new() }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Eq, V: Eq> Eq for SortedMap<K, V> {}

impl<K: PartialEq, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<K: Serialize, V: Serialize> Serialize for SortedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for SortedMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// Collects a map's entries.
struct Entries<K, V>(PhantomData<(K, V)>);

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
    type Value = SortedMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = SortedMap::default();
        while let Some((key, value)) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(map)
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter(self)
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

/// See [`SortedMap::iter`].
pub struct Iter<'a, K, V> {
    numbers: Numbers<'a>,
    entries: &'a [Option<(K, V)>],
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { numbers: self.numbers.clone(), entries: self.entries }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.numbers.next()?;
        self.entries.get(number as usize)?.as_ref().map(|(key, value)| (key, value))
    }
}

/// The entries themselves, in the order of their keys.
pub struct IntoIter<K, V>(SortedMap<K, V>);

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.pop_first()
    }
}
