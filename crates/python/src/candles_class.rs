//! Candles and time series as Python handles them: folds without a log, pages of what is stored.

use crate::cell::GilCell;
use crate::engine_view::EngineView;
use crate::failure::failed;
use crate::node_core::{NodeCore, encoded};
use crate::rows_class::Rows;
use crate::series::After;
use coulisse_engine::Engine;
use coulisse_gateway::candles::CandleSeries;
use coulisse_gateway::hub::Hub;
use coulisse_gateway::limits::CANDLES_KEPT_MAX;
use coulisse_projections::series::SeriesFold as Inner;
use coulisse_types::candle::{Candle, CandleInterval};
use coulisse_types::{Event, Price, Qty, Side};
use coulisse_wire::Symbols as _;
use coulisse_wire::native::feed::TradeRow;
use coulisse_wire::native::rest;
use coulisse_wire::record::decode_unsealed;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Start in µs, seq, open, high, low, close, qty, notional (ticks × lots), trades: as in the tables.
type CandleCells = (i64, u64, i64, i64, i64, i64, i128, i128, u64);

fn cells(candle: &Candle) -> CandleCells {
    let Candle { start_us, open, high, low, close, lots, tick_lots, trades, seq } = *candle;
    let [open, high, low, close] = [open, high, low, close].map(Price::ticks);
    (start_us, seq, open, high, low, close, lots, tick_lots, trades)
}

fn candle_of(cells: CandleCells) -> Candle {
    let (start_us, seq, open, high, low, close, lots, tick_lots, trades) = cells;
    let [open, high, low, close] = [open, high, low, close].map(Price::from_ticks);
    Candle { start_us, open, high, low, close, lots, tick_lots, trades, seq }
}

fn interval_of(name: &str) -> PyResult<CandleInterval> {
    CandleInterval::from_name(name.as_bytes())
        .ok_or_else(|| failed("INVALID_VALUE", format!("no interval is called {name:?}")))
}

/// The fold of trades into candles, for trades that come from anywhere.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct Candles {
    interval: CandleInterval,
    state: GilCell<(CandleSeries, i64)>,
}

#[pymethods]
impl Candles {
    #[new]
    fn new(interval: &str) -> PyResult<Self> {
        let state = GilCell::new((CandleSeries::default(), i64::MIN));
        Ok(Self { interval: interval_of(interval)?, state })
    }

    /// Takes (time in µs, price, qty, seq) of trades; returns the candles that are over.
    #[expect(clippy::needless_pass_by_value, reason = "a list of Python's becomes a Vec")]
    fn add(&self, py: Python<'_>, trades: Vec<(i64, i64, i64, u64)>) -> Vec<CandleCells> {
        let (series, open_us) = &mut *self.state.borrow_mut(py);
        let mut over = Vec::new();
        // With the one under way they touch no more candles than are kept.
        for few in trades.chunks(CANDLES_KEPT_MAX - 1) {
            for (time_us, price, qty, seq) in few {
                let (price, qty) = (Price::from_ticks(*price), Qty::from_lots(*qty));
                let (time_us, seq, taker_side) = (*time_us, *seq, Side::Buy);
                series.traded(&TradeRow { trade_id: 0, price, qty, taker_side, seq, time_us });
            }
            let latest = series.latest(self.interval);
            let Some(last) = latest.back() else { continue };
            over.extend(latest.range(..latest.len() - 1).filter(|one| one.start_us >= *open_us));
            *open_us = last.start_us;
        }
        over.iter().map(cells).collect()
    }

    /// The candle under way.
    fn last(&self, py: Python<'_>) -> Option<CandleCells> {
        self.state.borrow_mut(py).0.latest(self.interval).back().map(cells)
    }
}

/// An engine, its feeds and the fold of the time series, without a log.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct SeriesFold {
    state: GilCell<(Engine, Hub, Inner, Vec<Event>)>,
}

#[pymethods]
impl SeriesFold {
    #[new]
    fn new() -> Self {
        let hub = Hub::new(Vec::new(), String::new(), String::new(), 0);
        Self { state: GilCell::new((Engine::new(), hub, Inner::default(), Vec::new())) }
    }

    /// Applies the next record, or takes it for void; returns its events.
    #[pyo3(signature = (record, *, void=false))]
    fn take<'py>(
        &self,
        py: Python<'py>,
        record: &[u8],
        void: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (engine, hub, fold, events) = &mut *self.state.borrow_mut(py);
        let (header, command) = decode_unsealed(record)
            .map_err(|error| failed("INVALID_VALUE", format!("not a record: {error:?}")))?;
        events.clear();
        let apply = if void { Engine::apply_void } else { Engine::apply };
        apply(engine, &header, &command, events);
        hub.deliver(&header, events, &EngineView(engine));
        fold.take(&header, events, &After { engine, hub });
        Ok(PyBytes::new(py, &encoded(events)))
    }

    fn take_rows(&self, py: Python<'_>) -> Rows {
        let (engine, hub, fold, _) = &mut *self.state.borrow_mut(py);
        let seq = engine.last_seq().0;
        Rows::new(fold.take_rows(seq, &After { engine, hub }), seq, [0; 32])
    }
}

/// The seq, and the latest candles of an instrument, those that a node keeps.
pub(crate) type Latest = Option<(u64, Vec<CandleCells>)>;

/// The seq, candles, and the time before which older ones begin, where there may be some.
pub(crate) type Page = (u64, Vec<CandleCells>, Option<i64>);

impl NodeCore {
    pub(crate) fn latest_candles(&self, symbol: &str, interval: &str) -> PyResult<Latest> {
        let interval = interval_of(interval)?;
        Ok(self.hub.instruments().find(symbol.as_bytes()).map(|info| {
            let latest = self.hub.latest_candles(info.id, interval, CANDLES_KEPT_MAX);
            (self.engine.last_seq().0, latest.iter().map(cells).collect())
        }))
    }

    /// The body of `GET /v1/candles/{symbol}`.
    pub(crate) fn candles_page(
        &self,
        symbol: &str,
        interval: &str,
        (seq, candles, before): Page,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let info = self.hub.instruments().find(symbol.as_bytes())?;
        let interval = CandleInterval::from_name(interval.as_bytes())?;
        let candles = candles.into_iter().map(candle_of);
        rest::write_candles(out, info, interval, seq, candles, before);
        Some(())
    }
}
