//! What an instrument's prices are watched for: waiting conditional orders, pegged orders, lists.
//!
//! Invariants
//! - A price's touched range is what it has been since conditional orders were last looked at; where
//!   nobody watches and trading is open it stays empty, as it would be emptied at once.
//! - `unsettled` is true where something is left to look at: a range, or a list to release.

use crate::forest::{Forest, Key, Tree};
use crate::pegs::Followed;
use alloc::vec::Vec;
use coulisse_types::{OrderId, Side, Trigger, TriggerOn};

mod snapshot;

/// Prices from lowest to highest, in ticks; no price is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) low_ticks: i64,
    pub(crate) high_ticks: i64,
}

impl Range {
    /// Without a price.
    pub(crate) const EMPTY: Self = Self { low_ticks: 0, high_ticks: 0 };

    pub(crate) const fn is_empty(self) -> bool {
        self.low_ticks == 0
    }

    /// Takes a price in.
    pub(crate) fn take(&mut self, ticks: i64) {
        if self.is_empty() {
            *self = Self { low_ticks: ticks, high_ticks: ticks };
        }
        self.low_ticks = self.low_ticks.min(ticks);
        self.high_ticks = self.high_ticks.max(ticks);
    }
}

/// Which way a price must go to trigger an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Rising,
    Falling,
}

impl Way {
    /// Of an order with a trigger.
    pub(crate) const fn of(trigger: Trigger, side: Side) -> Self {
        match (trigger, side) {
            (Trigger::TakeProfit, Side::Buy) => Self::Falling,
            (Trigger::TakeProfit, Side::Sell) | (_, Side::Buy) => Self::Rising,
            (_, Side::Sell) => Self::Falling,
        }
    }

    /// Whether a price is at or past the trigger price.
    pub(crate) const fn is_past(self, ticks: i64, trigger_ticks: i64) -> bool {
        match self {
            Self::Rising => ticks >= trigger_ticks,
            Self::Falling => ticks <= trigger_ticks,
        }
    }

    /// Whether a range of prices has touched the trigger price, or gone past it.
    pub(crate) const fn is_touched(self, range: Range, trigger_ticks: i64) -> bool {
        let furthest = match self {
            Self::Rising => range.high_ticks,
            Self::Falling => range.low_ticks,
        };
        !range.is_empty() && self.is_past(furthest, trigger_ticks)
    }

    /// Where an order stands in its tree: what is due first comes first.
    const fn key(self, trigger_ticks: i64, id: OrderId) -> Key {
        match self {
            Self::Rising => (trigger_ticks, id.0),
            // A price is above zero and far from the smallest number.
            Self::Falling => (trigger_ticks.wrapping_neg(), id.0),
        }
    }
}

/// Orders that are looked at one by one: at most a thousand an instrument, by ascending id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Followers {
    rows: Vec<(OrderId, u32)>,
}

impl Followers {
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn insert(&mut self, id: OrderId, place: u32) {
        let at = self.rows.partition_point(|(other, _)| *other < id);
        self.rows.insert(at, (id, place));
    }

    pub(crate) fn remove(&mut self, id: OrderId) {
        if let Ok(at) = self.rows.binary_search_by_key(&id, |(other, _)| *other) {
            self.rows.remove(at);
        }
    }

    /// The place of the first order with an id above `id`, and its id.
    pub(crate) fn after(&self, id: OrderId) -> Option<(OrderId, u32)> {
        let at = self.rows.partition_point(|(other, _)| *other <= id);
        self.rows.get(at).copied()
    }

    /// The places, by ascending id.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> + '_ {
        self.rows.iter().map(|(_, place)| *place)
    }
}

/// The trees of one price: orders that trigger when it rises, and when it falls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stops {
    pub(crate) rising: Tree,
    pub(crate) falling: Tree,
}

impl Stops {
    const EMPTY: Self = Self { rising: Tree::EMPTY, falling: Tree::EMPTY };

    const fn tree(&mut self, way: Way) -> &mut Tree {
        match way {
            Way::Rising => &mut self.rising,
            Way::Falling => &mut self.falling,
        }
    }
}

/// What is watched of one of an instrument's two prices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    pub(crate) stops: Stops,
    /// What it has been since stops were last looked at.
    pub(crate) touched: Range,
    /// What it has been since trailing orders were last looked at.
    pub(crate) trailed: Range,
}

impl Watched {
    const EMPTY: Self = Self { stops: Stops::EMPTY, touched: Range::EMPTY, trailed: Range::EMPTY };
}

/// All that is watched of an instrument.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) last: Watched,
    pub(crate) mark: Watched,
    /// Waiting trailing orders.
    pub(crate) trailing: Followers,
    /// Pegged orders, waiting ones included.
    pub(crate) pegs: Followers,
    /// What pegged orders were last seen to follow, where nothing was to be done about any of them.
    pub(crate) followed: Option<Followed>,
    /// Lists whose leg 0 is filled, by list id: their pending legs are to be released.
    pub(crate) due_lists: Tree,
    /// Waiting conditional orders, and lists: as long as there are any, prices are watched.
    pub(crate) watchers: u32,
    pub(crate) unsettled: bool,
}

/// Where a waiting conditional order stands among those of its instrument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Post {
    pub(crate) id: OrderId,
    pub(crate) place: u32,
    pub(crate) on: TriggerOn,
    pub(crate) way: Way,
    pub(crate) trigger_ticks: i64,
    pub(crate) trails: bool,
}

#[expect(clippy::arithmetic_side_effects, reason = "counts of orders that exist")]
impl Watch {
    pub(crate) const fn new() -> Self {
        Self {
            last: Watched::EMPTY,
            mark: Watched::EMPTY,
            trailing: Followers { rows: Vec::new() },
            pegs: Followers { rows: Vec::new() },
            followed: None,
            due_lists: Tree::EMPTY,
            watchers: 0,
            unsettled: false,
        }
    }

    /// Pegged and waiting trailing orders.
    pub(crate) fn follower_count(&self) -> u32 {
        self.trailing.count() + self.pegs.count()
    }

    pub(crate) const fn of(&self, on: TriggerOn) -> &Watched {
        match on {
            TriggerOn::Last => &self.last,
            TriggerOn::Mark => &self.mark,
        }
    }

    pub(crate) const fn of_mut(&mut self, on: TriggerOn) -> &mut Watched {
        match on {
            TriggerOn::Last => &mut self.last,
            TriggerOn::Mark => &mut self.mark,
        }
    }

    /// A conditional order begins to wait.
    pub(crate) fn enlist(&mut self, forest: &mut Forest, post: &Post) {
        self.watchers += 1;
        if post.trails {
            return self.trailing.insert(post.id, post.place);
        }
        let key = post.way.key(post.trigger_ticks, post.id);
        forest.insert(self.of_mut(post.on).stops.tree(post.way), key, post.place);
    }

    /// A conditional order waits no more.
    pub(crate) fn discharge(&mut self, forest: &mut Forest, post: &Post) {
        self.watchers -= 1;
        if post.trails {
            return self.trailing.remove(post.id);
        }
        let key = post.way.key(post.trigger_ticks, post.id);
        let taken = forest.remove(self.of_mut(post.on).stops.tree(post.way), key);
        assert!(taken == Some(post.place), "a waiting order that is not watched");
    }

    /// The place of the stop that is due first on a price, of those that may act.
    pub(crate) fn due_stop(
        &self,
        forest: &Forest,
        on: TriggerOn,
        may_act: impl Fn(&u32) -> bool,
    ) -> Option<u32> {
        let Watched { stops, touched, .. } = self.of(on);
        if touched.is_empty() {
            return None;
        }
        let first = |tree: Tree, way: Way| {
            let mut next = forest.first(tree);
            while let Some((key, place)) = next {
                let trigger_ticks = match way {
                    Way::Rising => key.0,
                    Way::Falling => key.0.wrapping_neg(),
                };
                if !way.is_touched(*touched, trigger_ticks) {
                    return None;
                }
                if may_act(&place) {
                    return Some(place);
                }
                next = forest.after(tree, key);
            }
            None
        };
        first(stops.rising, Way::Rising).or_else(|| first(stops.falling, Way::Falling))
    }
}
