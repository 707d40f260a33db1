//! Maps and sets in the order of their keys, whose code is small.
//!
//! The standard library's trees are compiled anew for each type that is put into them, at some 5 KB of wasm each. Here the order is
//! a list of numbers, which is the same code for all types; only what compares and keeps the entries is each type's own.

mod map;
mod order;
mod set;

pub use map::SortedMap;
pub use set::SortedSet;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A linear congruential generator: the same walk each time.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    /// Compares all that can be read.
    fn assert_same(map: &SortedMap<u64, u64>, tree: &BTreeMap<u64, u64>) {
        assert!(map.iter().eq(tree.iter()));
        assert!(map.keys().eq(tree.keys()) && map.values().eq(tree.values()));
        assert_eq!((map.len(), map.is_empty()), (tree.len(), tree.is_empty()));
    }

    #[test]
    fn a_random_walk_of_changes_leaves_what_a_tree_has() {
        let (mut map, mut tree, mut seed) = (SortedMap::new(), BTreeMap::new(), 1);
        for step in 0..60_000u64 {
            // The keys become more, then fewer.
            let (key, grows) = (random(&mut seed) % 3_000, step % 20_000 < 12_000);
            match random(&mut seed) % 8 {
                0 => assert_eq!(map.pop_first(), tree.pop_first()),
                1 => assert_eq!(map.get(&key), tree.get(&key)),
                2 => {
                    map.change(key, |value: &mut u64| *value += step);
                    *tree.entry(key).or_default() += step;
                }
                3 => assert!(map.after(&key).take(5).eq(tree.range(key + 1..).take(5))),
                _ if grows => assert_eq!(map.insert(key, step), tree.insert(key, step)),
                _ => assert_eq!(map.remove(&key), tree.remove(&key)),
            }
            if step % 997 == 0 {
                assert_same(&map, &tree);
                assert_eq!(map.contains_key(&key), tree.contains_key(&key));
            }
        }
        map.retain(|key, value| (key + *value) % 3 == 0);
        tree.retain(|key, value| (*key + *value) % 3 == 0);
        map.for_each_mut(|key, value| *value = *key);
        tree.iter_mut().for_each(|(key, value)| *value = *key);
        assert_same(&map, &tree);
        assert!(map.clone().into_iter().eq(tree));
        map.clear();
        assert_same(&map, &BTreeMap::new());
    }

    #[test]
    fn keys_that_only_rise_and_keys_that_only_fall_are_found() {
        let rising: SortedSet<u32> = (0..1_000).collect();
        let falling: SortedSet<u32> = (0..1_000).rev().collect();
        assert!(rising == falling && rising.iter().copied().eq(0..1_000));
        assert!((0..1_000).all(|key| rising.contains(&key)) && !rising.contains(&1_000));
    }

    #[test]
    fn a_set_tells_what_was_new_and_what_was_there() {
        let mut set = SortedSet::new();
        assert!(set.insert("b") && set.insert("a") && !set.insert("b"));
        assert_eq!((set.first(), set.len()), (Some(&"a"), 2));
        assert!(set.remove("b") && !set.remove("b"));
        assert_eq!(format!("{set:?}"), r#"{"a"}"#);
        assert_eq!((set.pop_first(), set.pop_first(), set.is_empty()), (Some("a"), None, true));
    }
}
