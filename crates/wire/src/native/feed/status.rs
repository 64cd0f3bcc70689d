//! The public channel `status`: what an instrument takes, its auctions, its mark, its rules.

use alloc::vec::Vec;

use coulisse_types::event::{AuctionIndicated, AuctionScheduled, InstrumentConfigured};
use coulisse_types::{
    Event, FeeRate, InstrumentId, MatchingMode, Price, Qty, ReferenceKind, RiskState, Scope,
    TradingState,
};

use super::super::reply::separate;
use super::super::spec::Channel;
use super::item::Item;
use super::public::open_public;
use crate::digits;
use crate::instruments::InstrumentInfo;

/// How an instrument stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentStatus {
    /// What it takes.
    pub state: TradingState,
    /// When that ends by itself, in ns since the epoch; 0 for never.
    pub until_ns: i64,
    /// Its mark price; 0 for none.
    pub mark: Price,
    /// What its risk state leaves.
    pub risk_state: RiskState,
    /// What the auction under way was last said to do.
    pub indicated: Option<AuctionIndicated>,
    /// The next auction; zeros for none.
    pub scheduled: AuctionScheduled,
    /// How it is traded.
    pub configured: InstrumentConfigured,
}

impl InstrumentStatus {
    /// An instrument of which nothing was ever said: the state in which it is listed.
    pub const fn listed(instrument: InstrumentId) -> Self {
        Self {
            state: TradingState::Open,
            until_ns: 0,
            mark: Price::from_ticks(0),
            risk_state: RiskState::Active,
            indicated: None,
            scheduled: AuctionScheduled { instrument, start_ns: 0, end_ns: 0 },
            configured: InstrumentConfigured {
                instrument,
                version: 0,
                matching: MatchingMode::PriceTime,
                reference: ReferenceKind::Last,
                collar_ppm: 0,
                slippage_ppm: 0,
                band_ppm: 0,
                auction_ns: 0,
                auction_fee: FeeRate::from_ppm(0),
            },
        }
    }
}

/// The instrument whose status an event changes.
pub const fn status_of(event: &Event) -> Option<InstrumentId> {
    match event {
        Event::TradingStateChanged(event) => Some(event.instrument),
        Event::AuctionIndicated(event) => Some(event.instrument),
        Event::AuctionUncrossed(event) => Some(event.instrument),
        Event::AuctionScheduled(event) => Some(event.instrument),
        Event::MarkChanged(event) => Some(event.instrument),
        Event::InstrumentConfigured(event) => Some(event.instrument),
        Event::RiskStateChanged(event) if matches!(event.scope, Scope::Instrument) => {
            Some(InstrumentId(event.scope_id))
        }
        _ => None,
    }
}

/// Appends what changed of an instrument's status at one seq.
pub fn write_status_delta(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    (prev, seq): (u64, u64),
    time_us: i64,
    events: impl IntoIterator<Item = Event>,
) {
    open_public(out, Channel::Status, info, Some(prev));
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"time\":");
    digits::signed(out, time_us);
    out.extend_from_slice(b",\"items\":[");
    let mut first = true;
    for event in events {
        separate(out, &mut first);
        write_status_event(out, info, &event);
    }
    out.extend_from_slice(b"]}");
}

/// Appends the image of an instrument's status.
pub fn write_status_image(
    out: &mut Vec<u8>,
    info: &InstrumentInfo,
    seq: u64,
    status: &InstrumentStatus,
) {
    open_public(out, Channel::Status, info, None);
    out.extend_from_slice(b",\"seq\":");
    digits::unsigned(out, seq);
    out.extend_from_slice(b",\"items\":[");
    let mut item = Item::of(out, None, Some(info));
    item.text("state", status.state.name().as_bytes());
    item.time("until", status.until_ns);
    if status.mark.ticks() != 0 {
        item.price("mark", status.mark);
    }
    item.text("risk_state", status.risk_state.name().as_bytes());
    if let Some(indicated) = &status.indicated {
        write_indication(&mut item, indicated);
    }
    item.time("start_time", status.scheduled.start_ns);
    item.time("end_time", status.scheduled.end_ns);
    write_configuration(&mut item, &status.configured);
    item.close();
    out.extend_from_slice(b"]}");
}

fn write_status_event(out: &mut Vec<u8>, info: &InstrumentInfo, event: &Event) {
    let open = |out, name| Item::of(out, Some(name), Some(info));
    match event {
        Event::TradingStateChanged(changed) => {
            let mut item = open(out, "state_changed");
            item.text("state", changed.state.name().as_bytes());
            item.text("reason", changed.reason.name().as_bytes());
            item.time("until", changed.until_ns);
            item.close();
        }
        Event::AuctionIndicated(indicated) => {
            let mut item = open(out, "auction_indicated");
            write_indication(&mut item, indicated);
            item.close();
        }
        Event::AuctionUncrossed(uncrossed) => {
            let mut item = open(out, "auction_uncrossed");
            write_auction(&mut item, uncrossed.price, uncrossed.qty);
            item.close();
        }
        Event::AuctionScheduled(scheduled) => {
            let mut item = open(out, "auction_scheduled");
            item.time("start_time", scheduled.start_ns);
            item.time("end_time", scheduled.end_ns);
            item.close();
        }
        Event::MarkChanged(changed) => {
            let mut item = open(out, "mark_changed");
            item.price("mark", changed.price);
            item.close();
        }
        Event::RiskStateChanged(changed) => {
            let mut item = open(out, "risk_state_changed");
            item.text("risk_state", changed.state.name().as_bytes());
            item.close();
        }
        Event::InstrumentConfigured(configured) => {
            let mut item = open(out, "configured");
            write_configuration(&mut item, configured);
            item.close();
        }
        _ => out.extend_from_slice(b"{}"),
    }
}

fn write_auction(item: &mut Item<'_, '_>, price: Price, qty: Qty) {
    if price.ticks() != 0 {
        item.price("price", price);
    }
    item.qty("qty", qty);
}

fn write_indication(item: &mut Item<'_, '_>, indicated: &AuctionIndicated) {
    write_auction(item, indicated.price, indicated.qty);
    item.qty("surplus", indicated.surplus);
}

fn write_configuration(item: &mut Item<'_, '_>, configured: &InstrumentConfigured) {
    item.number("version", i64::from(configured.version));
    item.text("matching", configured.matching.name().as_bytes());
    item.text("reference", configured.reference.name().as_bytes());
    item.rate("collar", i64::from(configured.collar_ppm));
    item.rate("slippage", i64::from(configured.slippage_ppm));
    item.rate("band", i64::from(configured.band_ppm));
    item.number("auction_time", configured.auction_ns.div_euclid(1_000));
    item.rate("auction_fee", i64::from(configured.auction_fee.ppm()));
}
