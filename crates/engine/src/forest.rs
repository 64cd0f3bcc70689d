//! Ordered maps that share one arena: what is due first, and the next one after it.
//!
//! Each [`Tree`] is a root in the [`Forest`]; its nodes stand in the forest's arena, so that many
//! small trees take no more memory than one. Balanced by levels (Andersson, Balanced Search Trees
//! Made Simple, 1993): no key that a client chooses makes a tree deeper, and nothing is drawn.
//!
//! Invariants ([`Forest::check`] verifies them)
//! - Keys ascend from left to right; no key stands twice in a tree.
//! - A leaf has level 1; a left child is one level below, a right child at most as high, a right
//!   child of a right child below.
//!
//! Cost: at most two steps for each time the number of nodes doubles. Nothing is allocated but when
//! there are more nodes than ever before.

use crate::paged::{Arena, NONE};
use core::cmp::Ordering;

/// What a tree is ordered by: a time or a price, then an id.
pub(crate) type Key = (i64, u64);

#[derive(Clone, Copy, Debug)]
struct Node {
    key: Key,
    value: u32,
    left: u32,
    right: u32,
    level: u32,
}

/// One ordered map: its nodes stand in a [`Forest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    root: u32,
    count: u32,
}

impl Tree {
    /// Without a node.
    pub(crate) const EMPTY: Self = Self { root: NONE, count: 0 };

    /// How many keys it has.
    pub(crate) const fn count(self) -> u32 {
        self.count
    }

    /// Whether it has no key.
    pub(crate) const fn is_empty(self) -> bool {
        self.count == 0
    }
}

/// The nodes of all trees.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    nodes: Arena<Node, 1_024>,
}

#[expect(clippy::arithmetic_side_effects, reason = "levels and counts of nodes that exist")]
impl Forest {
    /// No trees. `nodes_max` is about how many nodes there will be.
    pub(crate) fn new(nodes_max: u32) -> Self {
        Self { nodes: Arena::new(nodes_max) }
    }

    /// Nodes of all trees.
    pub(crate) const fn count(&self) -> u32 {
        self.nodes.live()
    }

    /// Puts in a key that is not there.
    pub(crate) fn insert(&mut self, tree: &mut Tree, key: Key, value: u32) {
        let node = self.nodes.insert(Node { key, value, left: NONE, right: NONE, level: 1 });
        tree.root = self.insert_below(tree.root, node, key);
        tree.count += 1;
    }

    /// Takes a key out; what stood under it.
    pub(crate) fn remove(&mut self, tree: &mut Tree, key: Key) -> Option<u32> {
        let value = self.get(*tree, key)?;
        tree.root = self.remove_below(tree.root, key);
        tree.count -= 1;
        Some(value)
    }

    /// What stands under a key.
    pub(crate) fn get(&self, tree: Tree, key: Key) -> Option<u32> {
        let mut at = tree.root;
        while at != NONE {
            let node = self.nodes.at(at);
            at = match key.cmp(&node.key) {
                Ordering::Less => node.left,
                Ordering::Greater => node.right,
                Ordering::Equal => return Some(node.value),
            };
        }
        None
    }

    /// The lowest key, and what stands under it.
    pub(crate) fn first(&self, tree: Tree) -> Option<(Key, u32)> {
        if tree.root == NONE {
            return None;
        }
        let node = self.nodes.at(self.leftmost(tree.root));
        Some((node.key, node.value))
    }

    /// The lowest key above `key`, and what stands under it.
    pub(crate) fn after(&self, tree: Tree, key: Key) -> Option<(Key, u32)> {
        let (mut at, mut found) = (tree.root, None);
        while at != NONE {
            let node = self.nodes.at(at);
            if node.key > key {
                found = Some((node.key, node.value));
                at = node.left;
            } else {
                at = node.right;
            }
        }
        found
    }

    /// All keys in order, and what stands under them.
    pub(crate) fn iter(&self, tree: Tree) -> impl Iterator<Item = (Key, u32)> + '_ {
        core::iter::successors(self.first(tree), move |(key, _)| self.after(tree, *key))
    }

    fn leftmost(&self, mut at: u32) -> u32 {
        while self.nodes.at(at).left != NONE {
            at = self.nodes.at(at).left;
        }
        at
    }

    fn rightmost(&self, mut at: u32) -> u32 {
        while self.nodes.at(at).right != NONE {
            at = self.nodes.at(at).right;
        }
        at
    }

    fn level(&self, at: u32) -> u32 {
        if at == NONE { 0 } else { self.nodes.at(at).level }
    }

    /// Turns a left child on its parent's level into the parent.
    fn skew(&mut self, at: u32) -> u32 {
        if at == NONE {
            return NONE;
        }
        let left = self.nodes.at(at).left;
        if left == NONE || self.level(left) != self.level(at) {
            return at;
        }
        self.nodes.at_mut(at).left = self.nodes.at(left).right;
        self.nodes.at_mut(left).right = at;
        left
    }

    /// Raises the middle of three nodes on one level.
    fn split(&mut self, at: u32) -> u32 {
        if at == NONE {
            return NONE;
        }
        let right = self.nodes.at(at).right;
        if right == NONE || self.level(self.nodes.at(right).right) != self.level(at) {
            return at;
        }
        self.nodes.at_mut(at).right = self.nodes.at(right).left;
        let middle = self.nodes.at_mut(right);
        middle.left = at;
        middle.level += 1;
        right
    }

    /// Puts `new` into the tree of `at`; its new root.
    fn insert_below(&mut self, at: u32, new: u32, key: Key) -> u32 {
        if at == NONE {
            return new;
        }
        let Node { key: here, left, right, .. } = *self.nodes.at(at);
        if key < here {
            let left = self.insert_below(left, new, key);
            self.nodes.at_mut(at).left = left;
        } else {
            let right = self.insert_below(right, new, key);
            self.nodes.at_mut(at).right = right;
        }
        let at = self.skew(at);
        self.split(at)
    }

    /// Takes a key that is there out of the tree of `at`; its new root.
    fn remove_below(&mut self, at: u32, key: Key) -> u32 {
        if at == NONE {
            return NONE;
        }
        let Node { key: here, left, right, .. } = *self.nodes.at(at);
        match key.cmp(&here) {
            Ordering::Less => self.nodes.at_mut(at).left = self.remove_below(left, key),
            Ordering::Greater => self.nodes.at_mut(at).right = self.remove_below(right, key),
            Ordering::Equal if left == NONE && right == NONE => {
                self.nodes.free(at);
                return NONE;
            }
            // A neighbour of the lowest level takes its place.
            Ordering::Equal if left == NONE => {
                let next = *self.nodes.at(self.leftmost(right));
                let right = self.remove_below(right, next.key);
                let node = self.nodes.at_mut(at);
                (node.key, node.value, node.right) = (next.key, next.value, right);
            }
            Ordering::Equal => {
                let before = *self.nodes.at(self.rightmost(left));
                let left = self.remove_below(left, before.key);
                let node = self.nodes.at_mut(at);
                (node.key, node.value, node.left) = (before.key, before.value, left);
            }
        }
        self.settle(at)
    }

    /// Brings levels in order again after something was taken out below.
    fn settle(&mut self, at: u32) -> u32 {
        let Node { left, right, level, .. } = *self.nodes.at(at);
        let should_be = self.level(left).min(self.level(right)) + 1;
        if should_be < level {
            self.nodes.at_mut(at).level = should_be;
            if self.level(right) > should_be {
                self.nodes.at_mut(right).level = should_be;
            }
        }
        let at = self.skew(at);
        let right = self.skew(self.nodes.at(at).right);
        self.nodes.at_mut(at).right = right;
        if right != NONE {
            let behind = self.skew(self.nodes.at(right).right);
            self.nodes.at_mut(right).right = behind;
        }
        let at = self.split(at);
        let right = self.split(self.nodes.at(at).right);
        self.nodes.at_mut(at).right = right;
        at
    }

    /// Whether a tree is in order; for tests.
    pub(crate) fn check(&self, tree: Tree) -> bool {
        let mut keys = self.iter(tree).map(|(key, _)| key);
        let count = u64::from(tree.count);
        let ascends = keys.try_fold((None, 0_u64), |(last, count), key| {
            last.is_none_or(|last| last < key).then_some((Some(key), count + 1))
        });
        ascends.is_some_and(|(_, found)| found == count) && self.check_levels(tree.root)
    }

    fn check_levels(&self, at: u32) -> bool {
        if at == NONE {
            return true;
        }
        let Node { left, right, level, .. } = *self.nodes.at(at);
        let behind = if right == NONE { NONE } else { self.nodes.at(right).right };
        self.level(left) + 1 == level
            && (self.level(right) == level || self.level(right) + 1 == level)
            && self.level(behind) < level
            && self.check_levels(left)
            && self.check_levels(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.checked_rem(bound).expect("not zero")
        }
    }

    #[test]
    fn two_trees_in_one_forest_say_what_two_btree_maps_say() {
        let mut random = Random(88_172_645_463_325_252);
        let mut forest = Forest::new(10_000);
        let mut trees = [Tree::EMPTY; 2];
        let mut maps: [BTreeMap<Key, u32>; 2] = Default::default();
        for step in 0..20_000_u32 {
            let (tree, map) = if random.below(3) == 0 {
                (&mut trees[0], &mut maps[0])
            } else {
                (&mut trees[1], &mut maps[1])
            };
            let price = i64::try_from(random.below(40)).expect("small") - 20;
            let key = (price, random.below(20));
            if random.below(1_000) < if step < 10_000 { 550 } else { 450 } {
                if let alloc::collections::btree_map::Entry::Vacant(vacant) = map.entry(key) {
                    vacant.insert(step);
                    forest.insert(tree, key, step);
                }
            } else {
                assert_eq!(forest.remove(tree, key), map.remove(&key));
            }
            assert_eq!(forest.first(*tree), map.first_key_value().map(|(k, v)| (*k, *v)));
            let after = map.range((core::ops::Bound::Excluded(key), core::ops::Bound::Unbounded));
            assert_eq!(forest.after(*tree, key), after.into_iter().next().map(|(k, v)| (*k, *v)));
            assert_eq!(forest.get(*tree, key), map.get(&key).copied());
            if step % 64 == 0 {
                assert!(forest.check(*tree), "step {step}");
                let all: Vec<_> = map.iter().map(|(k, v)| (*k, *v)).collect();
                assert_eq!(forest.iter(*tree).collect::<Vec<_>>(), all);
            }
        }
        let counts = trees.map(Tree::count);
        assert_eq!(forest.count(), counts[0] + counts[1]);
    }

    #[test]
    fn keys_in_order_make_no_deep_tree() {
        let mut forest = Forest::new(5_000);
        let mut tree = Tree::EMPTY;
        for id in 0..4_096 {
            forest.insert(&mut tree, (0, id), 0);
        }
        assert!(forest.check(tree));
        assert!(forest.level(tree.root) <= 12);
        for id in 0..4_096 {
            assert_eq!(forest.first(tree), Some(((0, id), 0)));
            assert_eq!(forest.remove(&mut tree, (0, id)), Some(0));
        }
        assert!(tree.is_empty());
        assert_eq!(forest.count(), 0);
    }
}
