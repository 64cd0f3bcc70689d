//! Questions of history, handed to whoever reads the store, and what it says as the hub takes it.
//!
//! Rows are read off Python's tuples before the core is touched: no call into Python below it.

use crate::core_class::Core;
use crate::node_core::NodeCore;
use coulisse_gateway::history::{FillAt, Found, Question, Told};
use coulisse_types::event::{CloseReason, OrderFilled, OrderState, OrderTermsSet, Role};
use coulisse_types::{
    AccountId, Amount, AssetId, ClientOrderId, InstrumentId, OrderId, OrderType, Peg, Price, Qty,
    SelfTrade, Side, Text, TimeInForce, TradeId, Trigger, TriggerOn,
};
use coulisse_wire::native::feed::{ClosedOrder, FillRow, OpenOrder};
use coulisse_wire::native::history::{LedgerRow, Place};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsRawFd as _, OwnedFd};

/// The descriptor that is readable when a question is to be taken.
pub(crate) struct Bell(OwnedFd);

impl Bell {
    fn new() -> std::io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?))
    }

    fn ring(&self) {
        // The only failure is a counter at its maximum, and then the reader has news anyway.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    fn hush(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl NodeCore {
    /// Tells whoever reads the store that there are questions.
    pub(crate) fn call_reader(&mut self) {
        if let Some(bell) = self.bell.as_ref().filter(|_| self.hub.has_questions()) {
            bell.ring();
        }
    }
}

/// The questions of history of a core.
#[pyclass(module = "coulisse._core", frozen)]
pub(crate) struct History {
    core: Py<Core>,
    fd: i32,
}

#[pymethods]
impl History {
    #[new]
    fn new(py: Python<'_>, core: Py<Core>) -> PyResult<Self> {
        let bell = Bell::new()?;
        let fd = bell.0.as_raw_fd();
        core.get().with(py, |node, _| {
            node.bell = Some(bell);
            node.hub.open_history();
        })?;
        Ok(Self { core, fd })
    }

    /// Readable when there are questions: then [`History::take`] is to be called.
    #[getter]
    const fn fd(&self) -> i32 {
        self.fd
    }

    /// The questions, each a dict.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let questions: Vec<Question> = self.core.get().with(py, |node, _| {
            if let Some(bell) = &node.bell {
                bell.hush();
            }
            node.hub.take_questions().collect()
        })?;
        questions.iter().map(|question| as_dict(py, question)).collect()
    }

    /// What the store says of a question: how far it had come, its rows, where it stopped looking.
    #[pyo3(signature = (number, op, seq, rows, looked_to=None))]
    fn found(
        &self,
        py: Python<'_>,
        number: u64,
        op: &str,
        seq: u64,
        rows: &Bound<'_, PyList>,
        looked_to: Option<(u64, u32)>,
    ) -> PyResult<()> {
        let looked_to = looked_to.map(|(seq, item)| Place { seq, item });
        let found = match op {
            "orders.history" => Found::Orders(told(seq, rows, looked_to, closed_order)?),
            "fills.history" => Found::Fills(told(seq, rows, looked_to, fill)?),
            _ => Found::Ledger(told(seq, rows, looked_to, entry)?),
        };
        self.finish(py, number, found)
    }

    /// The store cannot be read.
    fn down(&self, py: Python<'_>, number: u64) -> PyResult<()> {
        self.finish(py, number, Found::Down)
    }
}

impl History {
    fn finish(&self, py: Python<'_>, number: u64, found: Found) -> PyResult<()> {
        let core = self.core.bind(py);
        if core.get().is_closed(py) {
            return Ok(());
        }
        core.get().with(py, |node, _| node.finish_history(number, found))?;
        Core::schedule(core)
    }
}

fn as_dict<'py>(py: Python<'py>, question: &Question) -> PyResult<Bound<'py, PyDict>> {
    let asked = &question.asked;
    let dict = PyDict::new(py);
    dict.set_item("number", question.number)?;
    dict.set_item("op", asked.op.spec().name)?;
    dict.set_item("account", question.account.0)?;
    dict.set_item("instrument", asked.instrument.map(|id| id.0))?;
    dict.set_item("asset", asked.asset.map(|id| id.0))?;
    dict.set_item("order_id", asked.order_id.0)?;
    dict.set_item("client_order_id", asked.client_order_id.as_str())?;
    dict.set_item("from_us", asked.from_us)?;
    dict.set_item("to_us", asked.to_us)?;
    dict.set_item("from_seq", asked.from_seq)?;
    dict.set_item("before", asked.before.map(|place| (place.seq, place.item)))?;
    dict.set_item("limit", asked.limit)?;
    let orders: Vec<u64> = question.orders.iter().map(|id| id.0).collect();
    dict.set_item("orders", orders)?;
    Ok(dict)
}

fn told<T>(
    seq: u64,
    rows: &Bound<'_, PyList>,
    looked_to: Option<Place>,
    read: impl Fn(&mut Cells<'_, '_>) -> PyResult<T>,
) -> PyResult<Told<T>> {
    let rows = rows.iter().map(|row| read(&mut Cells { row: row.cast()?, next: 0 }));
    Ok(Told { seq, rows: rows.collect::<PyResult<_>>()?, looked_to })
}

/// The cells of a row, read one after the other.
struct Cells<'r, 'py> {
    row: &'r Bound<'py, PyTuple>,
    next: usize,
}

impl<'py> Cells<'_, 'py> {
    fn cell(&mut self) -> PyResult<Bound<'py, PyAny>> {
        let cell = self.row.get_item(self.next)?;
        self.next += 1;
        Ok(cell)
    }

    fn int(&mut self) -> PyResult<i64> {
        self.cell()?.extract()
    }

    fn whole(&mut self) -> PyResult<u64> {
        self.cell()?.extract()
    }

    fn id(&mut self) -> PyResult<u32> {
        self.cell()?.extract()
    }

    fn us(&mut self) -> PyResult<i64> {
        Ok(self.int()?.div_euclid(1_000))
    }

    fn flag(&mut self) -> PyResult<bool> {
        Ok(self.int()? != 0)
    }

    fn lots(&mut self) -> PyResult<Qty> {
        Ok(Qty::from_lots(self.int()?))
    }

    fn ticks(&mut self) -> PyResult<Price> {
        Ok(Price::from_ticks(self.int()?))
    }

    fn minor(&mut self) -> PyResult<Amount> {
        Ok(Amount::from_minor(self.cell()?.extract::<i128>()?))
    }

    fn order_id(&mut self) -> PyResult<OrderId> {
        Ok(OrderId(self.whole()?))
    }

    fn place(&mut self) -> PyResult<Place> {
        Ok(Place { seq: self.whole()?, item: self.id()? })
    }

    fn text<const N: usize>(&mut self) -> PyResult<Text<N>> {
        self.named(Text::new)
    }

    fn named<T>(&mut self, find: impl FnOnce(&[u8]) -> Option<T>) -> PyResult<T> {
        let cell = self.cell()?;
        let text: &str = cell.extract()?;
        find(text.as_bytes()).ok_or_else(|| PyValueError::new_err(text.to_string()))
    }
}

/// `seq, item, time_ns`, the columns of `orders` but for its account and where it closed and changed last,
/// and those of `order_terms` without its own, `None` where it has no terms.
fn closed_order(cells: &mut Cells<'_, '_>) -> PyResult<ClosedOrder> {
    let (place, time_us) = (cells.place()?, cells.us()?);
    let order_id = cells.order_id()?;
    let instrument = InstrumentId(cells.id()?);
    let side = cells.named(Side::from_name)?;
    let order_type = cells.named(OrderType::from_name)?;
    let time_in_force = cells.named(TimeInForce::from_name)?;
    let post_only = cells.flag()?;
    let notional = cells.minor()?;
    let client_order_id: ClientOrderId = cells.text()?;
    let (accepted_seq, accepted_us) = (cells.whole()?, cells.us()?);
    let (qty, price) = (cells.lots()?, cells.ticks()?);
    // One that is asked for by its id may be open, as far as the store knows.
    let state = cells.named(OrderState::from_name)?;
    let reason = cells.named(|name| match name {
        b"" => Some(CloseReason::Filled),
        name => CloseReason::from_name(name),
    })?;
    let (filled, remaining) = (cells.lots()?, cells.lots()?);
    let terms = terms(cells, order_id, instrument)?;
    let order = OpenOrder {
        order_id,
        client_order_id,
        instrument,
        side,
        order_type,
        time_in_force,
        post_only,
        qty,
        price,
        filled,
        waits: false,
        terms,
    };
    Ok(ClosedOrder {
        place,
        time_us,
        order,
        notional,
        remaining,
        state,
        reason,
        accepted_seq,
        accepted_us,
    })
}

fn terms(
    cells: &mut Cells<'_, '_>,
    order_id: OrderId,
    instrument: InstrumentId,
) -> PyResult<Option<OrderTermsSet>> {
    if cells.row.get_item(cells.next)?.is_none() {
        return Ok(None);
    }
    Ok(Some(OrderTermsSet {
        order_id,
        account: AccountId(0),
        instrument,
        self_trade: cells.named(SelfTrade::from_name)?,
        trigger: cells.named(Trigger::from_name)?,
        trigger_on: cells.named(TriggerOn::from_name)?,
        trigger_price: cells.ticks()?,
        trail: cells.int()?,
        display_qty: cells.lots()?,
        min_qty: cells.lots()?,
        peg: cells.named(Peg::from_name)?,
        peg_offset: cells.int()?,
        reduce_only: cells.flag()?,
        expire_ns: cells.int()?,
    }))
}

/// The columns of `fills` but for its account.
fn fill(cells: &mut Cells<'_, '_>) -> PyResult<FillAt> {
    let (place, time_us) = (cells.place()?, cells.us()?);
    let fill = OrderFilled {
        order_id: cells.order_id()?,
        account: AccountId(0),
        instrument: InstrumentId(cells.id()?),
        trade_id: TradeId(cells.whole()?),
        side: cells.named(Side::from_name)?,
        role: cells.named(Role::from_name)?,
        price: cells.ticks()?,
        qty: cells.lots()?,
        notional: cells.minor()?,
        fee: cells.minor()?,
        filled: cells.lots()?,
        remaining: cells.lots()?,
        client_order_id: cells.text()?,
    };
    Ok(FillAt { place, row: FillRow { fill, seq: place.seq, time_us } })
}

/// `seq, item, time_ns, asset`, what came or went, `kind, instrument, trade_id`, and the account's order.
fn entry(cells: &mut Cells<'_, '_>) -> PyResult<LedgerRow> {
    Ok(LedgerRow {
        place: cells.place()?,
        time_us: cells.us()?,
        asset: AssetId(cells.id()?),
        change: cells.minor()?,
        kind: cells.text()?,
        instrument: InstrumentId(cells.id()?),
        trade_id: TradeId(cells.whole()?),
        order_id: cells.order_id()?,
    })
}
