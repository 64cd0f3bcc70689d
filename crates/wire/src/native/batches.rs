//! The orders of `order.place_batch`: each is read on its own.
//!
//! Invariant: an order that cannot be read is refused alone; a list that is none, or too long, is
//! refused as a whole before anything of it is done.

use alloc::vec::Vec;

use coulisse_types::RejectCode;

use super::error::Detail;
use super::orders::read_place;
use super::params::{Fault, Params, Read};
use super::request::{Body, Placement};
use super::spec::ORDER_PARAMS;
use crate::digits;
use crate::instruments::Symbols;
use crate::json::{Raw, Scanner};
use crate::limits::BATCH_ORDERS_MAX;

/// Reads the orders of a list that the scanner has checked to be JSON.
pub(super) fn read_batch<'a>(
    list: Raw<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Vec<Placement<'a>>> {
    let mut scanner = Scanner::new(list.bytes);
    scanner.take(b'[');
    if scanner.take(b']') {
        let fault = Fault::new(RejectCode::InvalidValue, "orders", list);
        return Err(fault.with(Detail::Wanted("1 to 50 objects")));
    }
    let mut orders = Vec::new();
    loop {
        let (_, order) = scanner.whole_value(2)?;
        if orders.len() == BATCH_ORDERS_MAX {
            return Err(too_many());
        }
        orders.push(read_order(order, symbols));
        if !scanner.another(b']')? {
            return Ok(orders);
        }
    }
}

#[cold]
fn too_many<'a>() -> Fault<'a> {
    let mut limit = Vec::new();
    digits::unsigned(&mut limit, u64::try_from(BATCH_ORDERS_MAX).unwrap_or_default());
    let fault = Fault::new(RejectCode::TooLarge, "orders", Raw::ABSENT);
    Fault(fault.0.with_limit(&limit))
}

fn read_order<'a>(bytes: &'a [u8], symbols: &(impl Symbols + ?Sized)) -> Placement<'a> {
    let read = || {
        let mut params = Params::none();
        params.read_object(Scanner::new(bytes), "orders", ORDER_PARAMS)?;
        params.check_required(ORDER_PARAMS)?;
        read_place(&params, symbols)
    };
    match read() {
        Ok(Body::Command { command, instrument }) => Ok((command, instrument)),
        Ok(_) => Err(super::RequestError::new(&[], RejectCode::InvalidValue)),
        Err(Fault(error)) => Err(error),
    }
}
