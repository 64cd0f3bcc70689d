//! Fee tiers: section 21 of the rules. Rates by what an account traded in the last thirty days.
//!
//! Cost: nothing for assets that never had a tier. Otherwise one addition per fill, and per order a
//! look at each tier and, after days without a fill, at the days that fell out.

use crate::engine::Engine;
use crate::instruments::Instrument;
use crate::paged::{NONE, Paged, index};
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use crate::risk::Risk;
use alloc::vec::Vec;
use coulisse_types::command::FeeTierSet;
use coulisse_types::event::FeeTierChanged;
use coulisse_types::limits::{
    ASSET_TOTAL_MINOR_MAX, DAY_NS, FEE_DAYS, FEE_PPM_MAX, FEE_TIERS_MAX, REBATE_PPM_MAX,
    RISK_LIMITS_MAX,
};
use coulisse_types::{AccountId, Event, Field, RejectCode, Unit};

/// A tier that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Its number, from 1.
    pub tier: u8,
    /// From how much traded it holds, in minor units.
    pub threshold_minor: i128,
    /// Rate of the resting side, in millionths; negative for a rebate.
    pub maker_ppm: i32,
    /// Rate of the arriving side, in millionths.
    pub taker_ppm: i32,
}

mod snapshot;

/// The schedule of a quote asset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    /// Whether it ever had a tier: from then on what is traded counts.
    pub(crate) counts: bool,
    /// Tiers by number.
    pub(crate) tiers: Vec<Tier>,
}

/// What an account traded in a quote asset on the last days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traded {
    /// The day of the last fill, in days since the epoch.
    pub(crate) day: i64,
    /// The sum of the days.
    total_minor: i128,
    /// By day modulo their number: those that end with `day`.
    days: [i128; FEE_DAYS],
}

/// All tiers, and all that counts toward them.
#[derive(Clone, Debug)]
pub(crate) struct Tiers {
    /// By asset.
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) traded: Paged<Traded, 64>,
}

/// The day of a time.
#[inline]
pub(crate) const fn day_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(DAY_NS)
}

/// Days as a number to count with.
const DAYS: i64 = 30;
const _: () = assert!(FEE_DAYS == 30, "two forms of one number");

#[expect(
    clippy::arithmetic_side_effects,
    reason = "days of an i64 of ns; notional that was traded, far below 2^127"
)]
impl Traded {
    const fn new(day: i64) -> Self {
        Self { day, total_minor: 0, days: [0; FEE_DAYS] }
    }

    fn slot(day: i64) -> usize {
        usize::try_from(day.rem_euclid(DAYS)).unwrap_or(0)
    }

    /// What was traded on a day that is among those kept.
    pub(crate) fn on(&self, day: i64) -> i128 {
        self.days.get(Self::slot(day)).copied().unwrap_or(0)
    }

    /// Days kept, the oldest first.
    pub(crate) const fn kept(&self) -> core::ops::RangeInclusive<i64> {
        self.day - (DAYS - 1)..=self.day
    }

    /// What counts on a day: it and the 29 before it.
    fn total(&self, today: i64) -> i128 {
        let mut total_minor = self.total_minor;
        if today > self.day {
            let gone = (today - self.day).min(DAYS);
            let first = *self.kept().start();
            total_minor -= (first..first + gone).map(|day| self.on(day)).sum::<i128>();
        }
        total_minor
    }

    /// Counts a fill.
    fn add(&mut self, today: i64, notional_minor: i128) {
        if today > self.day {
            let gone = (today - self.day).min(DAYS);
            let first = *self.kept().start();
            for day in first..first + gone {
                if let Some(minor) = self.days.get_mut(Self::slot(day)) {
                    self.total_minor -= *minor;
                    *minor = 0;
                }
            }
            self.day = today;
        }
        let at = Self::slot(today.max(*self.kept().start()));
        if let Some(minor) = self.days.get_mut(at) {
            *minor += notional_minor;
        }
        self.total_minor += notional_minor;
    }
}

impl Tiers {
    pub(crate) fn new() -> Self {
        Self { schedules: Vec::new(), traded: Paged::new(RISK_LIMITS_MAX) }
    }

    pub(crate) fn add_asset(&mut self) {
        self.schedules.push(Schedule::default());
    }

    #[inline]
    fn schedule(&self, asset: u32) -> Option<&Schedule> {
        self.schedules.get(index(asset.checked_sub(1)?))
    }
}

impl Risk {
    /// Counts what a row's fill traded, if its asset has or had tiers.
    #[inline]
    pub(crate) fn count_traded(&mut self, place: u32, asset: u32, time_ns: i64, minor: i128) {
        if self.tiers.schedule(asset).is_some_and(|schedule| schedule.counts) {
            self.add_traded(self.rows.at(place).money, day_of(time_ns), minor);
        }
    }

    #[inline(never)]
    fn add_traded(&mut self, money: u32, today: i64, notional_minor: i128) {
        let mut at = self.money.at(money).traded;
        if at == NONE {
            at = self.tiers.traded.push(Traded::new(today));
            self.money.at_mut(money).traded = at;
        }
        self.tiers.traded.at_mut(at).add(today, notional_minor);
    }
}

impl Engine {
    /// The rates, maker's and taker's, that an order of an account is accepted with now.
    #[inline]
    pub(crate) fn rates(&self, account: AccountId, rules: &Instrument) -> (i32, i32) {
        let tiers = self.risk.tiers.schedule(rules.quote.0).map_or(&[][..], |all| &all.tiers);
        if tiers.is_empty() {
            return (rules.maker_fee.ppm(), rules.taker_fee.ppm());
        }
        let row = self.risk.find_row(account.0, rules.id.0);
        let money = row.map(|place| self.risk.rows.at(place).money);
        let money = money.or_else(|| self.risk.find_money(account.0, rules.quote.0));
        let traded_minor = money.map_or(0, |money| self.traded_minor(money));
        let within = tiers.iter().filter(|tier| tier.threshold_minor <= traded_minor);
        let by_number = self.planted.is(Fault::TierByNumber);
        let rank = |tier: &&Tier| (if by_number { 0 } else { tier.threshold_minor }, tier.tier);
        match within.max_by_key(rank) {
            Some(tier) => (tier.maker_ppm, tier.taker_ppm),
            None => (rules.maker_fee.ppm(), rules.taker_fee.ppm()),
        }
    }

    /// What an account traded in a quote asset today and on the 29 days before, as far as it counts.
    pub(crate) fn traded_minor(&self, money: u32) -> i128 {
        let traded = self.risk.tiers.traded.get(self.risk.money.at(money).traded);
        traded.map_or(0, |traded| traded.total(day_of(self.time_ns)))
    }

    pub(crate) fn set_fee_tier(&mut self, body: &FeeTierSet) -> Result<Event, Reject> {
        let FeeTierSet { asset, tier, threshold, maker_fee, taker_fee } = *body;
        let refuse = |field, unit, value: i128, limit: i128| {
            Reject::new(RejectCode::AmountOutOfRange, field).value(unit, value).limit(limit)
        };
        ensure(self.ledger.asset(asset).is_some(), || {
            Reject::new(RejectCode::UnknownAsset, Field::Asset).number(asset.0)
        })?;
        ensure((1..=FEE_TIERS_MAX).contains(&tier), || {
            refuse(Field::Tier, Unit::Number, tier.into(), FEE_TIERS_MAX.into())
        })?;
        let threshold_minor = threshold.minor();
        let (maker_ppm, taker_ppm) = (maker_fee.ppm(), taker_fee.ppm());
        if threshold_minor >= 0 {
            let least_ppm = REBATE_PPM_MAX.checked_neg().unwrap_or(0);
            ensure((least_ppm..=FEE_PPM_MAX).contains(&maker_ppm), || {
                refuse(Field::MakerFee, Unit::Ppm, maker_ppm.into(), FEE_PPM_MAX.into())
            })?;
            ensure((maker_ppm.max(0)..=FEE_PPM_MAX).contains(&taker_ppm), || {
                refuse(Field::TakerFee, Unit::Ppm, taker_ppm.into(), FEE_PPM_MAX.into())
            })?;
            let most = ASSET_TOTAL_MINOR_MAX;
            ensure(threshold_minor <= most, || {
                refuse(Field::Threshold, Unit::AssetMinor, threshold_minor, most)
            })?;
        }
        if let Some(schedule) = self.risk.tiers.schedules.get_mut(index(asset.0.saturating_sub(1)))
        {
            schedule.tiers.retain(|other| other.tier != tier);
            if threshold_minor >= 0 {
                schedule.counts = true;
                schedule.tiers.push(Tier { tier, threshold_minor, maker_ppm, taker_ppm });
                schedule.tiers.sort_unstable_by_key(|tier| tier.tier);
            }
        }
        Ok(Event::FeeTierChanged(FeeTierChanged { asset, tier, threshold, maker_fee, taker_fee }))
    }
}
