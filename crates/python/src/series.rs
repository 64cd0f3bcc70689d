//! The market as the fold of the time series asks for it: levels of the engine, candles of the feeds.

use crate::engine_view::EngineView;
use coulisse_engine::Engine;
use coulisse_gateway::hub::Hub;
use coulisse_gateway::limits::CANDLES_KEPT_MAX;
use coulisse_gateway::view::CoreView as _;
use coulisse_projections::series::{Best, Listing, Market, SeriesFold};
use coulisse_types::candle::{Candle, CandleInterval};
use coulisse_types::{InstrumentId, Side};

/// Engine and feeds, both after the same record.
pub(crate) struct After<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) hub: &'a Hub,
}

impl After<'_> {
    /// A fold of what follows, with all instruments that there are.
    pub(crate) fn fold(&self) -> SeriesFold {
        let mut fold = SeriesFold::default();
        let seq = self.engine.last_seq().0;
        for info in self.hub.instruments().instruments() {
            fold.learn(info.id, info.symbol, self.best(info.id), seq);
        }
        fold
    }
}

impl Market for After<'_> {
    const CANDLES_KEPT: usize = CANDLES_KEPT_MAX;

    fn best(&self, instrument: InstrumentId) -> Best {
        let view = EngineView(self.engine);
        let mut levels = Vec::new();
        let mut of = |side| {
            levels.clear();
            view.levels(instrument, side, 1, &mut levels);
            levels.first().copied()
        };
        Best { bid: of(Side::Buy), ask: of(Side::Sell) }
    }

    fn candles(&self, instrument: InstrumentId, interval: CandleInterval) -> Vec<Candle> {
        self.hub.latest_candles(instrument, interval, CANDLES_KEPT_MAX)
    }

    fn listing(&self, instrument: InstrumentId) -> Option<Listing> {
        self.hub.instruments().instrument(instrument).map(|info| Listing {
            symbol: info.symbol,
            tick_minor: info.tick_minor,
            quote_scale: info.quote.scale,
            lot_minor: info.lot_minor,
            base_scale: info.base.scale,
        })
    }
}
