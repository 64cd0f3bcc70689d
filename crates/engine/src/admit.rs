//! The checks common to all commands: has the log begun, is the node's start current, may the key.

use crate::engine::Engine;
use crate::keys::Rights;
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use coulisse_types::command::permission;
use coulisse_types::{
    AccountId, Command, CommandKind, Field, InstrumentId, KeyIndex, KeyState, RecordHeader,
    RejectCode, Seq, Unit,
};

/// The permission a command needs of a key, one of several bits; 0 where no key suffices.
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
        | CommandKind::KeyIssue
        | CommandKind::KeyBind
        | CommandKind::KeyRevoke
        | CommandKind::WithdrawalCapSet
        | CommandKind::WithdrawalApprove
        | CommandKind::WithdrawalReject
        | CommandKind::Deposit => permission::ADMIN,
        CommandKind::Withdraw | CommandKind::WithdrawalCancel => permission::WITHDRAW,
        CommandKind::PasswordSet | CommandKind::SessionEnd | CommandKind::CancelOnDisconnect => {
            permission::ALL
        }
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
/// clients' ids; what everyone may do to the own key can be done twice.
pub(crate) const fn is_remembered(kind: CommandKind) -> bool {
    matches!(needed(kind), permission::ADMIN | permission::WITHDRAW)
}

/// Whether a command is for the account in its header.
const fn is_for_an_account(kind: CommandKind) -> bool {
    match kind {
        CommandKind::KeyCreate
        | CommandKind::KeyIssue
        | CommandKind::Deposit
        | CommandKind::Withdraw
        | CommandKind::WithdrawalCancel
        | CommandKind::OrderPlace
        | CommandKind::OrderCancel
        | CommandKind::OrderAmend
        | CommandKind::OrderCancelAll
        | CommandKind::AccountConfigure
        | CommandKind::OrderPlaceTerms
        | CommandKind::OrderReplace
        | CommandKind::OrderListPlace
        | CommandKind::CancelAfter
        | CommandKind::CancelOnDisconnect => true,
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
        | CommandKind::KeyBind
        | CommandKind::KeyRevoke
        | CommandKind::PasswordSet
        | CommandKind::SessionEnd
        | CommandKind::Void
        | CommandKind::WithdrawalCapSet
        | CommandKind::WithdrawalApprove
        | CommandKind::WithdrawalReject
        | CommandKind::AccountCreate => false,
    }
}

impl Engine {
    /// Checks 1 to 6 of section 1 of the rules. A nonce that is free is taken, whatever comes after.
    #[inline]
    pub(crate) fn admit(&mut self, header: &RecordHeader, command: &Command) -> Result<(), Reject> {
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
            self.admit_key(header, command)?;
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
    fn admit_key(&mut self, header: &RecordHeader, command: &Command) -> Result<(), Reject> {
        let kind = command.kind();
        let key = self
            .keys
            .rights(header.key)
            .ok_or_else(|| Reject::new(RejectCode::UnknownKey, Field::Key).number(header.key.0))?;
        if key.is_special {
            self.admit_working_key(header)?;
        }
        if let Some(nonce) = header.nonce() {
            self.take_nonce(header.key, nonce)?;
        }
        let needed = needed(kind);
        ensure(needed & key.permissions != 0, || {
            Reject::new(RejectCode::NotPermitted, Field::Permissions)
                .number(key.permissions)
                .limit(needed)
        })?;
        ensure(
            !is_for_an_account(kind) || self.may_act_for(header.key, key, header.account),
            || {
                Reject::new(RejectCode::NotPermitted, Field::Account)
                    .number(header.account.0)
                    .limit(key.account.0)
            },
        )?;
        if key.is_special { self.admit_instrument(header.key, command) } else { Ok(()) }
    }

    /// Whether a key with more to it works at all.
    #[inline(never)]
    fn admit_working_key(&self, header: &RecordHeader) -> Result<(), Reject> {
        let Some(key) = self.keys.get(header.key) else { return Ok(()) };
        let refused = |code| Err(Reject::new(code, Field::Key).number(header.key.0));
        match key.state {
            KeyState::Revoked if self.planted.is(Fault::RevokedKeyWorks) => {}
            KeyState::Revoked => return refused(RejectCode::KeyRevoked),
            KeyState::Waits => return refused(RejectCode::KeyNotBound),
            KeyState::Active => {}
        }
        ensure(key.expire_ns == 0 || header.time_ns < key.expire_ns, || {
            let reject = Reject::new(RejectCode::KeyExpired, Field::Key);
            reject.value(Unit::Ns, header.time_ns).limit(key.expire_ns)
        })
    }

    #[inline(never)]
    fn take_nonce(&mut self, key: KeyIndex, nonce: u64) -> Result<(), Reject> {
        let nonces = self.keys.nonces_mut(key);
        let is_taken = nonces.take(nonce) || self.planted.is(Fault::NonceTakenAgain);
        ensure(is_taken, || {
            let reject = Reject::new(RejectCode::NonceUsed, Field::Nonce);
            reject.number(nonce).limit(nonces.highest)
        })
    }

    #[inline]
    fn may_act_for(&self, index: KeyIndex, key: Rights, account: AccountId) -> bool {
        key.account == account
            || key.permissions & permission::ADMIN != 0
            || (key.is_special && self.keys.get(index).is_some_and(|key| key.is_of(account)))
    }

    /// Whether a key that may trade only some instruments may do this. What names an order finds only
    /// those of its instruments.
    #[inline(never)]
    fn admit_instrument(&self, index: KeyIndex, command: &Command) -> Result<(), Reject> {
        let instrument = match command {
            Command::OrderPlace(body) => body.instrument,
            Command::OrderPlaceTerms(body) => body.instrument,
            Command::OrderReplace(body) => body.instrument,
            Command::OrderListPlace(body) => body.instrument,
            Command::OrderCancelAll(body) => body.instrument,
            // It is about all of them.
            Command::CancelAfter(_) => InstrumentId(0),
            _ => return Ok(()),
        };
        ensure(self.may_trade(index, instrument), || {
            Reject::new(RejectCode::NotPermitted, Field::Symbol).number(instrument.0)
        })
    }

    /// Whether a key may trade an instrument.
    #[inline]
    pub(crate) fn may_trade(&self, index: KeyIndex, instrument: InstrumentId) -> bool {
        match self.keys.rights(index) {
            Some(Rights { is_special: true, .. }) => {
                self.keys.get(index).is_none_or(|key| key.trades(instrument))
            }
            _ => true,
        }
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
