//! The order of entries that somebody else keeps, as a list of their numbers.

use std::cmp::Ordering;

/// Numbers in a block before it is split.
const BLOCK: usize = 128;

/// A place in the order, which may be that of no number yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    block: usize,
    index: usize,
}

/// The numbers of entries, in the entries' order. They stand in blocks, none of which is empty, so that one that comes or goes moves
/// few of the others.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    blocks: Vec<Vec<u32>>,
}

impl Order {
    /// Where the entry stands that `compare` finds equal to what is sought, or where it would stand. `compare` says how an entry
    /// compares with it.
    pub(super) fn find(&self, compare: &dyn Fn(u32) -> Ordering) -> Result<Place, Place> {
        let is_before = |block: &Vec<u32>| block.last().is_some_and(|last| compare(*last).is_lt());
        let Some((last, before)) = self.blocks.split_last() else {
            return Err(Place { block: 0, index: 0 });
        };
        // Behind all others, as new keys often are.
        if is_before(last) {
            return Err(Place { block: before.len(), index: last.len() });
        }
        let block = before.partition_point(is_before);
        let numbers = self.blocks.get(block).map(Vec::as_slice).unwrap_or_default();
        match numbers.binary_search_by(|number| compare(*number)) {
            Ok(index) => Ok(Place { block, index }),
            Err(index) => Err(Place { block, index }),
        }
    }

    /// The number at a place.
    pub(super) fn get(&self, place: Place) -> Option<u32> {
        self.blocks.get(place.block)?.get(place.index).copied()
    }

    /// Inserts a number at a place where [`find`](Self::find) has found none.
    pub(super) fn insert(&mut self, place: Place, number: u32) {
        let Some(block) = self.blocks.get_mut(place.block) else {
            self.blocks.push(vec![number]);
            return;
        };
        block.insert(place.index.min(block.len()), number);
        if block.len() > BLOCK {
            // What grows at its end leaves full blocks behind.
            let split = if place.index == BLOCK { BLOCK } else { BLOCK / 2 };
            let rest = block.split_off(split);
            self.blocks.insert(place.block + 1, rest);
        }
    }

    /// Takes the number at a place out.
    pub(super) fn remove(&mut self, place: Place) -> Option<u32> {
        let block = self.blocks.get_mut(place.block)?;
        if place.index >= block.len() {
            return None;
        }
        let number = block.remove(place.index);
        if block.is_empty() {
            self.blocks.remove(place.block);
        }
        Some(number)
    }

    /// Takes the first number out.
    pub(super) fn pop_first(&mut self) -> Option<u32> {
        self.remove(Place { block: 0, index: 0 })
    }

    /// Takes out all numbers that `keep` doesn't want.
    pub(super) fn retain(&mut self, keep: &mut dyn FnMut(u32) -> bool) {
        self.blocks.retain_mut(|block| {
            block.retain(|number| keep(*number));
            !block.is_empty()
        });
    }

    /// The numbers, first to last.
    pub(super) fn numbers(&self) -> Numbers<'_> {
        Numbers { blocks: &self.blocks, block: &[] }
    }

    /// The numbers from a place on.
    pub(super) fn numbers_from(&self, place: Place) -> Numbers<'_> {
        let blocks = self.blocks.get(place.block + 1..).unwrap_or_default();
        let block = self.blocks.get(place.block).and_then(|block| block.get(place.index..)).unwrap_or_default();
        Numbers { blocks, block }
    }
}

/// Some of the numbers, in their order.
#[derive(Debug, Clone)]
pub(super) struct Numbers<'a> {
    blocks: &'a [Vec<u32>],
    /// What is left of the present block.
    block: &'a [u32],
}

impl Iterator for Numbers<'_> {
    type Item = u32;

    #[inline(never)]
    fn next(&mut self) -> Option<u32> {
        if self.block.is_empty() {
            let (block, blocks) = self.blocks.split_first()?;
            (self.block, self.blocks) = (block, blocks);
        }
        let (number, rest) = self.block.split_first()?;
        self.block = rest;
        Some(*number)
    }
}
