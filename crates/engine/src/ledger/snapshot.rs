//! The ledger written down: assets by id, then each account's balances that are not zero.

use super::{Asset, AssetRow, BLOCK_IDS, Block, Ledger, Row, seat};
use crate::paged::index;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_types::{AccountId, AssetId};

// Ids follow the order.
row!(Asset { name, scale, net_deposits, fees, rounding } derived { id: AssetId(0) });
row!(Row { available_minor, held_minor });

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "places and ids follow from the lengths of what exists, which are bounded"
)]
impl Ledger {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self { assets, balances, touched } = self;
        assert!(touched.is_empty(), "a snapshot in the middle of a command");
        out.count(assets.len());
        for row in assets {
            // Zero between commands.
            let AssetRow { asset, unbalanced_minor: _ } = row;
            asset.encode_row(out);
        }
        for account in 1..=balances.homes.len() {
            out.count(self.rows(account).count());
            for (asset, row) in self.rows(account) {
                out.put(&asset);
                row.encode_row(out);
            }
        }
    }

    /// An account's balances that are not zero, by asset.
    fn rows(&self, account: u32) -> impl Iterator<Item = (AssetId, &Row)> {
        let rows = self.balances.of(account).flat_map(|(number, block)| {
            let Block { rows, marks: _ } = block;
            (number * BLOCK_IDS + 1..).zip(rows)
        });
        let some = |row: &Row| row.available_minor != 0 || row.held_minor != 0;
        rows.filter(move |(_, row)| some(row)).map(|(asset, row)| (AssetId(asset), row))
    }

    /// Reads assets and balances into an empty ledger.
    pub(crate) fn decode(
        &mut self,
        from: &mut Decoder<'_>,
        account_count: u32,
    ) -> Result<(), SnapshotError> {
        let assets_max = coulisse_types::limits::ASSETS_MAX;
        for _ in 0..from.count(assets_max)? {
            let read = Asset::decode_row(from)?;
            let is_new = self.assets().all(|other| other.name != read.name);
            from.agree(is_new, "two assets of one name")?;
            let id = self.add_asset(read.name, read.scale);
            self.assets[index(id.0 - 1)].asset = Asset { id, ..read };
        }
        for account in 1..=account_count {
            self.add_account();
            for _ in 0..from.count(self.asset_count())? {
                let asset: AssetId = from.get()?;
                let row = Row::decode_row(from)?;
                from.agree(self.asset(asset).is_some(), "a balance of no asset")?;
                let is_money = row.available_minor >= 0 && row.held_minor >= 0;
                from.agree(is_money, "a balance that is negative")?;
                self.put(AccountId(account), asset, row);
            }
        }
        Ok(())
    }

    fn put(&mut self, account: AccountId, asset: AssetId, row: Row) {
        let (block, place) = seat(asset.0);
        self.balances.at_mut(account.0, block).rows[place] = row;
    }
}
