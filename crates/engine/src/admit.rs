//! The checks common to all commands: has the log begun, is the node's start current, may the key.

use crate::engine::Engine;
use crate::keys::Rights;
use crate::reject::{Reject, ensure};
use coulisse_types::command::permission;
use coulisse_types::{
    AccountId, Command, CommandKind, Field, KeyIndex, RecordHeader, RejectCode, Seq,
};

/// The permission a command needs of a key; 0 where no key suffices.
const fn needed(kind: CommandKind) -> u8 {
    match kind {
        CommandKind::Genesis | CommandKind::NodeStarted | CommandKind::Tick | CommandKind::Void => {
            0
        }
        CommandKind::AssetCreate
        | CommandKind::InstrumentCreate
        | CommandKind::AccountCreate
        | CommandKind::KeyCreate
        | CommandKind::GroupCreate
        | CommandKind::AccountConfigure
        | CommandKind::InstrumentConfigure
        | CommandKind::TradingStateSet
        | CommandKind::MarkSet
        | CommandKind::FeeTierSet
        | CommandKind::LimitSet
        | CommandKind::RiskStateSet
        | CommandKind::KillSwitch
        | CommandKind::KillReset
        | CommandKind::AuctionSchedule
        | CommandKind::Deposit => permission::ADMIN,
        CommandKind::Withdraw => permission::WITHDRAW,
        CommandKind::OrderPlace
        | CommandKind::OrderCancel
        | CommandKind::OrderAmend
        | CommandKind::OrderCancelAll
        | CommandKind::OrderPlaceTerms
        | CommandKind::OrderReplace
        | CommandKind::OrderListPlace
        | CommandKind::CancelAfter => permission::TRADE,
    }
}

/// Whether a request id names a command: what an operator or a withdrawer asks for. Orders have their
/// clients' ids.
pub(crate) const fn is_remembered(kind: CommandKind) -> bool {
    needed(kind) & (permission::ADMIN | permission::WITHDRAW) != 0
}

/// Whether a command is for the account in its header.
const fn is_for_an_account(kind: CommandKind) -> bool {
    match kind {
        CommandKind::KeyCreate
        | CommandKind::Deposit
        | CommandKind::Withdraw
        | CommandKind::OrderPlace
        | CommandKind::OrderCancel
        | CommandKind::OrderAmend
        | CommandKind::OrderCancelAll
        | CommandKind::AccountConfigure
        | CommandKind::OrderPlaceTerms
        | CommandKind::OrderReplace
        | CommandKind::OrderListPlace
        | CommandKind::CancelAfter => true,
        CommandKind::Genesis
        | CommandKind::NodeStarted
        | CommandKind::AssetCreate
        | CommandKind::InstrumentCreate
        | CommandKind::GroupCreate
        | CommandKind::InstrumentConfigure
        | CommandKind::TradingStateSet
        | CommandKind::MarkSet
        | CommandKind::FeeTierSet
        | CommandKind::LimitSet
        | CommandKind::Tick
        | CommandKind::RiskStateSet
        | CommandKind::KillSwitch
        | CommandKind::KillReset
        | CommandKind::AuctionSchedule
        | CommandKind::Void
        | CommandKind::AccountCreate => false,
    }
}

impl Engine {
    /// Checks 1 to 6 of section 1 of the rules.
    #[inline]
    pub(crate) fn admit(&self, header: &RecordHeader, command: &Command) -> Result<(), Reject> {
        let kind = command.kind();
        match (self.genesis.is_some(), kind) {
            (false, CommandKind::Genesis) => {}
            (false, _) => return Err(Reject::new(RejectCode::GenesisMissing, Field::None)),
            (true, CommandKind::Genesis) => {
                return Err(Reject::new(RejectCode::GenesisExists, Field::None));
            }
            (true, _) => {}
        }
        self.admit_start(header, command)?;
        if header.key != KeyIndex(0) {
            self.admit_key(header, kind)?;
        }
        if is_for_an_account(kind) {
            ensure(self.accounts.exists(header.account), || {
                Reject::new(RejectCode::UnknownAccount, Field::Account).number(header.account.0)
            })?;
        }
        Ok(())
    }

    #[inline]
    fn admit_start(&self, header: &RecordHeader, command: &Command) -> Result<(), Reject> {
        let newest = self.incarnation(header.origin.node);
        let (incarnation, is_current) = match command {
            Command::NodeStarted(body) => (body.incarnation, body.incarnation > newest),
            _ => (header.origin.incarnation, header.origin.incarnation >= newest),
        };
        ensure(is_current, || {
            Reject::new(RejectCode::StaleIncarnation, Field::Incarnation)
                .number(incarnation)
                .limit(newest)
        })
    }

    /// The newest start of a node; 0 if it never started.
    #[inline]
    pub(crate) fn incarnation(&self, node: u16) -> u32 {
        self.incarnations.get(usize::from(node)).copied().unwrap_or(0)
    }

    #[inline]
    fn admit_key(&self, header: &RecordHeader, kind: CommandKind) -> Result<(), Reject> {
        let key = self
            .keys
            .rights(header.key)
            .ok_or_else(|| Reject::new(RejectCode::UnknownKey, Field::Key).number(header.key.0))?;
        let needed = needed(kind);
        ensure(needed & key.permissions != 0, || {
            Reject::new(RejectCode::NotPermitted, Field::Permissions)
                .number(key.permissions)
                .limit(needed)
        })?;
        ensure(!is_for_an_account(kind) || may_act_for(key, header.account), || {
            Reject::new(RejectCode::NotPermitted, Field::Account)
                .number(header.account.0)
                .limit(key.account.0)
        })
    }

    /// Check 7: the seq of the same request, if it stands in the log already.
    pub(crate) fn is_repeat(
        &self,
        header: &RecordHeader,
        command: &Command,
    ) -> Result<Option<Seq>, Reject> {
        let Some(known) = self.request_ids.find(header.account, header.request_id) else {
            return Ok(None);
        };
        ensure(known.command == *command, || {
            Reject::new(RejectCode::RequestIdConflict, Field::RequestId).number(known.first_seq.0)
        })?;
        Ok(Some(known.first_seq))
    }
}

#[inline]
fn may_act_for(key: Rights, account: AccountId) -> bool {
    key.account == account || key.permissions & permission::ADMIN != 0
}
