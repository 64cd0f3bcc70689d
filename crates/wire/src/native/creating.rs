//! What the parameters of requests that create things become.

use coulisse_types::command::{AccountCreate, AssetCreate, InstrumentCreate};
use coulisse_types::limits::QTY_LOTS_MAX;
use coulisse_types::{Amount, InstrumentId, Qty, RejectCode, decimal};

use super::admin::{plain, read_fee};
use super::error::Detail;
use super::params::{Fault, Params, Read, name, read_u32};
use super::request::Admin;
use super::spec::at;
use crate::instruments::{AssetInfo, Symbols};
use crate::json::Raw;
use crate::limits::TEXT_BYTES_MAX;

pub(super) fn read_account<'a>(params: &Params<'a>) -> Read<'a, Admin> {
    Ok(plain(AccountCreate { name: name(params.get(at::admin::NAME), "name")? }.into()))
}

pub(super) fn read_asset<'a>(params: &Params<'a>) -> Read<'a, Admin> {
    let value = params.get(at::asset::SCALE);
    let scale = u8::try_from(read_u32(value, "scale")?)
        .map_err(|_| Fault::new(RejectCode::NumberOutOfRange, "scale", value))?;
    Ok(plain(AssetCreate { name: name(params.get(at::admin::NAME), "name")?, scale }.into()))
}

/// An instrument in steps of its own: prices and quantities become multiples of tick and lot.
pub(super) fn read_instrument<'a>(
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Admin> {
    let symbol = params.get(at::listing::SYMBOL);
    let mut scratch = [0; TEXT_BYTES_MAX];
    let text = symbol.text(&mut scratch).unwrap_or_default();
    let unknown = || Fault::new(RejectCode::UnknownAsset, "symbol", symbol);
    let dash = text.iter().position(|byte| *byte == b'-').ok_or_else(unknown)?;
    let (base, quote) = text.split_at(dash);
    let quote = quote.get(1..).unwrap_or_default();
    let [base, quote] = [base, quote].map(|name| symbols.find_asset(name).copied());
    let (base, quote) = base.zip(quote).ok_or_else(unknown)?;
    let tick = params.get(at::listing::TICK_SIZE);
    let lot = params.get(at::listing::LOT_SIZE);
    let lot_minor = read_step(&base, lot, "lot_size")?;
    let lots = |index, field, absent| {
        let value = params.get(index);
        if !value.is_present() {
            return Ok(absent);
        }
        let minor = read_money(&base, value, field)?.minor();
        let whole = minor.checked_rem(lot_minor.into()) == Some(0);
        let lots = minor.checked_div(lot_minor.into()).filter(|_| whole);
        lots.and_then(|lots| i64::try_from(lots).ok())
            .map(Qty::from_lots)
            .ok_or_else(|| Fault::new(RejectCode::OffLot, field, value))
    };
    let min_notional = params.get(at::listing::MIN_NOTIONAL);
    let create = InstrumentCreate {
        symbol: name(symbol, "symbol")?,
        base: base.id,
        quote: quote.id,
        tick_minor: read_step(&quote, tick, "tick_size")?,
        lot_minor,
        min_qty: lots(at::listing::MIN_QTY, "min_qty", Qty::from_lots(1))?,
        max_qty: lots(at::listing::MAX_QTY, "max_qty", Qty::from_lots(QTY_LOTS_MAX))?,
        min_notional: match min_notional.present() {
            Some(value) => read_money(&quote, value, "min_notional")?,
            None => Amount::ZERO,
        },
        maker_fee: read_fee(params.get(at::listing::MAKER_FEE), "maker_fee")?,
        taker_fee: read_fee(params.get(at::listing::TAKER_FEE), "taker_fee")?,
    };
    Ok(Admin { instrument: InstrumentId(0), ..plain(create.into()) })
}

pub(super) fn read_money<'a>(
    asset: &AssetInfo,
    value: Raw<'a>,
    field: &'static str,
) -> Read<'a, Amount> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let text = value.text(&mut scratch).unwrap_or_default();
    asset.read_amount(text).map_err(|code| {
        let fault = Fault::new(code, field, value);
        match code {
            RejectCode::InvalidValue => fault.with(Detail::Wanted("a decimal number as 60000.00")),
            _ => fault,
        }
    })
}

fn read_step<'a>(asset: &AssetInfo, value: Raw<'a>, field: &'static str) -> Read<'a, i64> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let text = value.text(&mut scratch).unwrap_or_default();
    let step = decimal::parse(text, asset.scale).ok().and_then(|step| i64::try_from(step).ok());
    step.ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, field, value);
        fault.with(Detail::Wanted("a multiple of the asset's smallest unit"))
    })
}
