//! How an instrument is traded, and what its prices are measured against: section 8 of the rules.

use crate::engine::Engine;
use crate::instruments::{Instrument, Listing};
use crate::reject::{Reject, ensure};
use coulisse_types::command::{InstrumentConfigure, MarkSet};
use coulisse_types::event::{InstrumentConfigured, MarkChanged};
use coulisse_types::limits::{AHEAD_NS_MAX, BOUND_PPM_MAX, PRICE_TICKS_MAX};
use coulisse_types::{
    Event, FeeRate, Field, InstrumentId, MatchingMode, ReferenceKind, RejectCode, Side,
    TradingState, TriggerOn, Unit,
};

/// How an instrument is traded: what its last `InstrumentConfigure` said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trading {
    /// How often it was configured; 0 for never.
    pub version: u32,
    /// How a level is shared.
    pub matching: MatchingMode,
    /// What prices are measured against.
    pub reference: ReferenceKind,
    /// How far a limit may be from the reference, in millionths of it; 0 for any.
    pub collar_ppm: u32,
    /// How far a market order may go from the reference, in millionths of it; 0 for any.
    pub slippage_ppm: u32,
    /// How far a trade may be from the reference before an auction is called; 0 for any.
    pub band_ppm: u32,
    /// How long such an auction lasts, in ns; at least 1 where there is a band.
    pub auction_ns: i64,
    /// What both sides pay for a trade in an auction.
    pub auction_fee: FeeRate,
}

impl Trading {
    /// Of an instrument that was never configured.
    pub(crate) const UNCONFIGURED: Self = Self {
        version: 0,
        matching: MatchingMode::PriceTime,
        reference: ReferenceKind::Last,
        collar_ppm: 0,
        slippage_ppm: 0,
        band_ppm: 0,
        auction_ns: 0,
        auction_fee: FeeRate::from_ppm(0),
    };

    const fn of(body: &InstrumentConfigure, version: u32) -> Self {
        Self {
            version,
            matching: body.matching,
            reference: body.reference,
            collar_ppm: body.collar_ppm,
            slippage_ppm: body.slippage_ppm,
            band_ppm: body.band_ppm,
            auction_ns: body.auction_ns,
            auction_fee: body.auction_fee,
        }
    }

    /// The event that says so.
    pub const fn configured(&self, instrument: InstrumentId) -> InstrumentConfigured {
        InstrumentConfigured {
            instrument,
            version: self.version,
            matching: self.matching,
            reference: self.reference,
            collar_ppm: self.collar_ppm,
            slippage_ppm: self.slippage_ppm,
            band_ppm: self.band_ppm,
            auction_ns: self.auction_ns,
            auction_fee: self.auction_fee,
        }
    }
}

impl Listing {
    /// The reference price, in ticks; 0 where there is none yet. In an auction the book is no guide.
    #[inline]
    pub(crate) fn reference(&self) -> i64 {
        match self.config.reference {
            ReferenceKind::Last => self.last_or_mark(),
            ReferenceKind::Mark if self.mark_ticks != 0 => self.mark_ticks,
            ReferenceKind::Mark => self.last_price_ticks,
            ReferenceKind::Mid if self.state == TradingState::Auction => self.last_or_mark(),
            ReferenceKind::Mid => self.mid().unwrap_or_else(|| self.last_or_mark()),
        }
    }

    #[inline]
    const fn last_or_mark(&self) -> i64 {
        if self.last_price_ticks != 0 { self.last_price_ticks } else { self.mark_ticks }
    }

    /// Half way between best bid and best ask, rounded down, where there are both.
    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "two prices on a book, each up to 2^53")]
    fn mid(&self) -> Option<i64> {
        let (bid, ask) = (self.book.best(Side::Buy)?, self.book.best(Side::Sell)?);
        Some((bid.ticks() + ask.ticks()).div_euclid(2))
    }
}

impl Engine {
    pub(crate) fn configure_instrument(
        &mut self,
        body: &InstrumentConfigure,
    ) -> Result<Event, Reject> {
        let listing = self.listing(body.instrument)?;
        check_trading(body, &listing.rules)?;
        #[expect(clippy::arithmetic_side_effects, reason = "four billion configurations later")]
        let version = listing.config.version + 1;
        let config = Trading::of(body, version);
        let listing = self.instruments.at_mut(body.instrument);
        listing.config = config;
        listing.settle_mode();
        self.remark(body.instrument);
        Ok(Event::InstrumentConfigured(config.configured(body.instrument)))
    }

    pub(crate) fn set_mark(&mut self, body: MarkSet) -> Result<Event, Reject> {
        let MarkSet { instrument, price } = body;
        self.listing(instrument)?;
        ensure((1..=PRICE_TICKS_MAX).contains(&price.ticks()), || {
            Reject::new(RejectCode::PriceOutOfRange, Field::Price)
                .value(Unit::Ticks, price.ticks())
                .limit(PRICE_TICKS_MAX)
        })?;
        self.note_reference(instrument);
        let Self { instruments, attention, .. } = self;
        instruments.at_mut(instrument).set_price(TriggerOn::Mark, price.ticks(), attention);
        self.risk.note_moved(instrument.0);
        Ok(Event::MarkChanged(MarkChanged { instrument, price }))
    }
}

/// Whether what an instrument is told to do is within bounds.
fn check_trading(body: &InstrumentConfigure, rules: &Instrument) -> Result<(), Reject> {
    let check = |holds: bool, field: Field, value: i128, limit: i128| {
        ensure(holds, || {
            Reject::new(RejectCode::InvalidInstrument, field).number(value).limit(limit)
        })
    };
    for (field, ppm) in [
        (Field::Collar, body.collar_ppm),
        (Field::Slippage, body.slippage_ppm),
        (Field::Band, body.band_ppm),
    ] {
        check(ppm <= BOUND_PPM_MAX, field, ppm.into(), BOUND_PPM_MAX.into())?;
    }
    let least_ns = i64::from(body.band_ppm != 0);
    let fits = (least_ns..=AHEAD_NS_MAX).contains(&body.auction_ns);
    check(fits, Field::AuctionTime, body.auction_ns.into(), AHEAD_NS_MAX.into())?;
    let (fee_ppm, taker_ppm) = (body.auction_fee.ppm(), rules.taker_fee.ppm());
    let fits = (0..=taker_ppm).contains(&fee_ppm);
    check(fits, Field::AuctionFee, fee_ppm.into(), taker_ppm.into())
}
