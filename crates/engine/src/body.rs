//! What was asked for, kept small: a repeated client order id is compared with it.

use crate::terms::Ask;
use coulisse_types::codec::Field;
use coulisse_types::command::{OrderListPlace, OrderPlace};
use coulisse_types::{Command, InstrumentId, OrderType};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

mod snapshot;

/// What was asked for in an accepted placement, but for the instrument, in two words.
///
/// The first word is the qty, or the low half of the notional; the second the price, or the high
/// half, with side, type, time in force and flags in its top byte. Accepted values leave that free.
/// Of an order with terms, or a list, the two words are a digest of all that was asked for: only
/// its own client could ever make two that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Body([u64; 2]);

impl Body {
    /// Of no placement.
    pub(crate) const EMPTY: Self = Self([0; 2]);

    const FLAGS_SHIFT: u32 = 56;
    /// The flag of a digest.
    const DIGEST: u64 = 1 << 63;
    /// What a digest is of: its first byte.
    const ORDER: u8 = 1;
    const LIST: u8 = 2;

    /// `None` for a placement that could never have been accepted.
    #[inline]
    pub(crate) fn of(ask: &Ask<'_>) -> Option<Self> {
        match ask.terms {
            None => Self::of_plain(ask.place),
            Some(_) => Some(Self::of_terms(ask)),
        }
    }

    /// A hash of it and of the instrument that it was for.
    pub(crate) fn hash_in(&self, instrument: InstrumentId) -> u64 {
        let Self([low, high]) = *self;
        // Two words that are read again as they were written: nothing waits for a store.
        let words = u128::from(low) | u128::from(high) << 64;
        xxh3_64_with_seed(&words.to_le_bytes(), instrument.0.into())
    }

    /// Of a whole list.
    pub(crate) fn of_list(list: &OrderListPlace) -> Self {
        let mut bytes = alloc::vec![Self::LIST];
        Command::OrderListPlace(*list).encode_body(&mut bytes);
        Self::digest(&bytes)
    }

    #[cold]
    #[inline(never)]
    fn of_terms(ask: &Ask<'_>) -> Self {
        let mut bytes = alloc::vec![Self::ORDER];
        Command::OrderPlace(*ask.place).encode_body(&mut bytes);
        if let Some(terms) = ask.terms {
            bytes.push(terms.self_trade.number());
            bytes.push(terms.trigger.number());
            bytes.push(terms.trigger_on.number());
            terms.trigger_price.encode(&mut bytes);
            terms.trail.encode(&mut bytes);
            terms.display_qty.encode(&mut bytes);
            terms.min_qty.encode(&mut bytes);
            bytes.push(terms.peg.number());
            terms.peg_offset.encode(&mut bytes);
            bytes.push(terms.reduce_only.into());
            terms.expire_ns.encode(&mut bytes);
        }
        Self::digest(&bytes)
    }

    fn digest(bytes: &[u8]) -> Self {
        let digest = xxh3_128(bytes);
        let half = |half: u128| u64::try_from(half & u128::from(u64::MAX)).unwrap_or_default();
        Self([half(digest), half(digest >> 64) | Self::DIGEST])
    }

    #[inline]
    fn of_plain(place: &OrderPlace) -> Option<Self> {
        let by_notional = place.notional.minor() != 0;
        let (low, high) = if by_notional {
            let market = place.order_type == OrderType::Market;
            if !market || !place.qty.is_zero() || place.price.ticks() != 0 {
                return None;
            }
            let minor = u128::try_from(place.notional.minor()).ok()?;
            (u64::try_from(minor & u128::from(u64::MAX)).ok()?, u64::try_from(minor >> 64).ok()?)
        } else {
            let lots = u64::try_from(place.qty.lots()).ok()?;
            (lots, u64::try_from(place.price.ticks()).ok()?)
        };
        if high >> Self::FLAGS_SHIFT != 0 {
            return None;
        }
        let flags = u64::from(place.side.number())
            | u64::from(place.order_type.number()) << 1
            | u64::from(place.time_in_force.number()) << 2
            | u64::from(place.post_only) << 5
            | u64::from(by_notional) << 6;
        Some(Self([low, high | flags << Self::FLAGS_SHIFT]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coulisse_types::{Amount, ClientOrderId, Price, Qty, Side, TimeInForce};

    #[test]
    fn bodies_differ_wherever_placements_do() {
        let order = OrderPlace {
            instrument: InstrumentId(1),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            qty: Qty::from_lots(5),
            price: Price::from_ticks(7),
            notional: Amount::ZERO,
            client_order_id: ClientOrderId::default(),
        };
        let market = OrderPlace {
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Ioc,
            price: Price::from_ticks(0),
            ..order
        };
        let by_notional = OrderPlace { qty: Qty::ZERO, notional: Amount::from_minor(5), ..market };
        let all = [
            order,
            OrderPlace { side: Side::Sell, ..order },
            OrderPlace { time_in_force: TimeInForce::Ioc, ..order },
            OrderPlace { time_in_force: TimeInForce::Fok, ..order },
            OrderPlace { post_only: true, ..order },
            OrderPlace { qty: Qty::from_lots(6), ..order },
            OrderPlace { price: Price::from_ticks(8), ..order },
            market,
            by_notional,
            OrderPlace { notional: Amount::from_minor(5 + (7 << 64)), ..by_notional },
        ];
        let bodies = all.map(|order| Body::of_plain(&order));
        for (place, body) in bodies.iter().enumerate() {
            assert!(body.is_some());
            assert_eq!(bodies.iter().position(|other| other == body), Some(place));
        }
        assert_eq!(Body::of_plain(&OrderPlace { notional: Amount::from_minor(5), ..order }), None);
        assert_eq!(Body::of_plain(&OrderPlace { qty: Qty::from_lots(-1), ..order }), None);
    }
}
