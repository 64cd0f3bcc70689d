//! The order flow that every matching engine is compared on, read from its CSV.
//!
//! Each line is `op,id,side,px,qty` in whole ticks and lots, one instrument; side 0 buys, 1 sells:
//! `A` a passive limit order, `C` the cancel of a live one (side, px and qty are 0), `X` a crossing
//! limit order that is always filled completely.

use crate::{Failure, failure};
use coulisse_types::{ClientOrderId, OrderId, Price, Qty, Side};
use std::path::Path;

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rest an order.
    Add,
    /// Cancel an order.
    Cancel,
    /// Take resting orders.
    Cross,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it asks for.
    pub kind: Kind,
    /// The side of a new order.
    pub side: Side,
    /// The order, any 64-bit number.
    pub id: OrderId,
    /// The limit of a new order, in ticks.
    pub price: Price,
    /// How much, in lots.
    pub qty: Qty,
    /// The id in digits.
    pub client_order_id: ClientOrderId,
}

/// Reads a file, every id times `id_factor`.
///
/// # Errors
/// The file cannot be read, or a line means nothing: it is named.
pub fn read(path: &Path, id_factor: u64) -> Result<Vec<Row>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    parse(&text, id_factor)
}

/// Reads the lines of `text`, every id times `id_factor`.
///
/// # Errors
/// A line means nothing: it is named.
pub fn parse(text: &str, id_factor: u64) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::with_capacity(text.len() / 16);
    for (index, line) in text.lines().enumerate() {
        let Some(row) = row(line, id_factor) else {
            return failure(format!("workload line {}: {line:?} means nothing", index + 1));
        };
        rows.push(row);
    }
    Ok(rows)
}

fn row(line: &str, id_factor: u64) -> Option<Row> {
    let mut parts = line.split(',');
    let kind = match parts.next()? {
        "A" => Kind::Add,
        "C" => Kind::Cancel,
        "X" => Kind::Cross,
        _ => return None,
    };
    let id = parts.next()?.parse::<u64>().ok()?.checked_mul(id_factor)?;
    let side = Side::from_number(parts.next()?.parse().ok()?)?;
    let price = Price::from_ticks(parts.next()?.parse().ok()?);
    let qty = Qty::from_lots(parts.next()?.parse().ok()?);
    let client_order_id = ClientOrderId::new(id.to_string().as_bytes())?;
    let row = Row { kind, side, id: OrderId(id), price, qty, client_order_id };
    parts.next().is_none().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_their_ids_multiplied() {
        let rows = parse("A,1,1,100003,5\nC,1,0,0,0\nX,2,0,99999,7\n", (1 << 40) + 1)
            .expect("three lines");
        assert_eq!(
            rows.iter().map(|row| row.kind).collect::<Vec<_>>(),
            [Kind::Add, Kind::Cancel, Kind::Cross]
        );
        assert_eq!(rows[0].id, OrderId((1 << 40) + 1));
        assert_eq!(rows[0].client_order_id.as_str(), "1099511627777");
        assert_eq!(
            (rows[2].side, rows[2].price.ticks(), rows[2].qty.lots()),
            (Side::Buy, 99_999, 7)
        );
    }

    #[test]
    fn a_line_that_means_nothing_is_named() {
        for bad in ["B,1,0,1,1", "A,1,2,1,1", "A,1,0,1", "A,1,0,1,1,1", "A,-1,0,1,1", ""] {
            let text = format!("A,1,0,1,1\n{bad}\n");
            let error = parse(&text, 1).map(|_| ()).expect_err("a bad line");
            assert!(error.0.starts_with("workload line 2:"), "{error}");
        }
        assert!(parse("A,16777216,0,1,1", 1 << 40).is_err(), "an id past 64 bits");
    }
}
