//! The core's parts without a log: a bare book, and the deterministic engine for models and replays.

use crate::failure::failed;
use coulisse_book::{AddError, BookError, IndexedBook};
use coulisse_types::{OrderId, Price, Qty, Side, TimeInForce};
use pyo3::prelude::*;

fn side(buy: bool) -> Side {
    if buy { Side::Buy } else { Side::Sell }
}

/// One order book without accounts.
#[pyclass(module = "coulisse._core", unsendable)]
pub(crate) struct Book {
    book: IndexedBook,
}

#[pymethods]
impl Book {
    #[new]
    fn new(orders_max: u32) -> Self {
        Self { book: IndexedBook::new(orders_max) }
    }

    fn add(
        &mut self,
        order_id: u64,
        buy: bool,
        price: Option<i64>,
        qty: i64,
        tif: &str,
    ) -> PyResult<Vec<(u64, i64, i64)>> {
        // A book of its own has no clock.
        let known = TimeInForce::from_name(tif.as_bytes()).filter(|tif| !tif.ends_by_clock());
        let Some(tif) = known else {
            return Err(failed("INVALID_VALUE", format!("tif {tif:?} is not gtc, ioc or fok")));
        };
        let mut trades = Vec::new();
        let price = price.map(Price::from_ticks);
        let added =
            self.book.add(OrderId(order_id), side(buy), price, Qty::from_lots(qty), tif, |fill| {
                trades.push((fill.order_id.0, fill.price.ticks(), fill.qty.lots()));
            });
        added.map(|_| trades).map_err(|error| add_failed(&error))
    }

    fn cancel(&mut self, order_id: u64) -> PyResult<(bool, i64, i64)> {
        let gone = self.book.cancel(OrderId(order_id)).ok_or_else(|| unknown(order_id))?;
        Ok((gone.side == Side::Buy, gone.price.ticks(), gone.qty.lots()))
    }

    fn reduce(&mut self, order_id: u64, by: i64) -> PyResult<i64> {
        let left = self.book.reduce(OrderId(order_id), Qty::from_lots(by));
        left.map(|order| order.qty.lots()).ok_or_else(|| unknown(order_id))
    }

    fn best(&self, buy: bool) -> Option<i64> {
        self.book.book().best(side(buy)).map(Price::ticks)
    }

    fn front(&self, buy: bool) -> Option<u64> {
        let book = self.book.book();
        book.front(side(buy)).map(|handle| book.order(handle).order_id.0)
    }

    fn level(&self, buy: bool, price: i64) -> i64 {
        let level = self.book.book().level(side(buy), Price::from_ticks(price));
        level.map_or(0, |level| level.qty.lots())
    }

    fn level_orders(&self, buy: bool, price: i64) -> Vec<(u64, i64)> {
        let orders = self.book.book().orders(side(buy), Price::from_ticks(price));
        orders.map(|order| (order.order_id.0, order.qty.lots())).collect()
    }

    fn levels(&self, buy: bool, depth: usize) -> Vec<(i64, i64)> {
        let depth = if depth == 0 { usize::MAX } else { depth };
        let levels = self.book.book().levels(side(buy)).take(depth);
        levels.map(|level| (level.price.ticks(), level.qty.lots())).collect()
    }

    fn orders(&self) -> Vec<(u64, bool, i64, i64)> {
        let book = self.book.book();
        let both = book.side_orders(Side::Buy).chain(book.side_orders(Side::Sell));
        both.map(|order| {
            (order.order_id.0, order.side == Side::Buy, order.price.ticks(), order.qty.lots())
        })
        .collect()
    }
}

fn unknown(order_id: u64) -> PyErr {
    failed("ORDER_NOT_FOUND", format!("order_id {order_id} is not on the book"))
}

fn add_failed(error: &AddError) -> PyErr {
    match error {
        AddError::DuplicateId { order_id } => {
            failed("ALREADY_EXISTS", format!("order_id {} rests on the book", order_id.0))
        }
        AddError::Book(BookError::Full { orders_max }) => {
            failed("TABLE_FULL", format!("the book has {orders_max} orders, as many as it may"))
        }
        AddError::Book(BookError::QtyNotPositive { qty }) => {
            failed("QTY_BELOW_MIN", format!("qty {} is not above 0 lots", qty.lots()))
        }
        AddError::Book(BookError::LevelQtyOverflow { level }) => failed(
            "QTY_ABOVE_MAX",
            format!("the level at {} cannot hold more", level.price.ticks()),
        ),
    }
}
