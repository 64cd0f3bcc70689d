//! Caps, what was taken out today and what waits, written down, each by its ids.

use super::{Withdrawal, WithdrawalCap, Withdrawals};
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder, row};
use coulisse_types::AssetId;
use coulisse_types::limits::{WITHDRAWALS_WAITING_MAX, WITHDRAWN_ROWS_MAX};

row!(WithdrawalCap { asset, cap, version, proposed, proposed_by });
row!(Withdrawal { id, account, asset, amount, request_id, asked_by, expire_ns });

impl Withdrawals {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self {
            caps,
            day,
            taken,
            waiting,
            // Follows from what waits.
            due: _,
        } = self;
        out.count(caps.len());
        for cap in caps.values() {
            cap.encode_row(out);
        }
        out.put(day);
        out.count(taken.len());
        for ((account, asset), minor) in taken {
            out.put(account);
            out.put(asset);
            out.put(minor);
        }
        out.count(waiting.len());
        for one in waiting.values() {
            one.encode_row(out);
        }
    }

    /// Reads them into an empty table.
    pub(crate) fn decode(
        &mut self,
        from: &mut Decoder<'_>,
        (account_count, asset_count): (u32, u32),
    ) -> Result<(), SnapshotError> {
        let is_of = |account: u32, asset: AssetId| {
            (1..=account_count).contains(&account) && (1..=asset_count).contains(&asset.0)
        };
        for _ in 0..from.count(asset_count)? {
            let cap = WithdrawalCap::decode_row(from)?;
            from.agree((1..=asset_count).contains(&cap.asset.0), "a cap of no asset")?;
            let before = self.caps.insert(cap.asset.0, cap);
            from.agree(before.is_none(), "two caps of one asset")?;
        }
        self.day = from.get()?;
        for _ in 0..from.count(WITHDRAWN_ROWS_MAX)? {
            let (account, asset): (u32, AssetId) = (from.get()?, from.get()?);
            from.agree(is_of(account, asset), "a withdrawal of nobody, or of nothing")?;
            let before = self.taken.insert((account, asset.0), from.get()?);
            from.agree(before.is_none(), "an account's day twice")?;
        }
        for _ in 0..from.count(WITHDRAWALS_WAITING_MAX)? {
            let one = Withdrawal::decode_row(from)?;
            let is_one = is_of(one.account.0, one.asset) && one.amount.minor() > 0;
            from.agree(is_one, "a withdrawal of nobody, or of nothing")?;
            let is_new = !self.waiting.contains_key(&one.id.0);
            from.agree(is_new, "two withdrawals of one seq")?;
            self.put(one);
        }
        Ok(())
    }
}
