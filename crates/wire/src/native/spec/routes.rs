//! The REST routes of private operations: each is one operation of the table, asked for by HTTP.

use super::Op;

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestRoute {
    /// The method.
    pub method: &'static str,
    /// The path; a part in braces is the operation's parameter of that name, `{account}` the request's
    /// account.
    pub path: &'static str,
    /// What it asks for.
    pub op: Op,
}

const fn route(method: &'static str, path: &'static str, op: Op) -> RestRoute {
    RestRoute { method, path, op }
}

/// Every route, those of the hot path first.
pub const ROUTES: &[RestRoute] = &[
    route("POST", "/v1/orders", Op::Place),
    route("DELETE", "/v1/orders/{order_id}", Op::Cancel),
    route("PATCH", "/v1/orders/{order_id}", Op::Amend),
    route("GET", "/v1/orders", Op::OrdersOpen),
    route("DELETE", "/v1/orders", Op::CancelAll),
    route("DELETE", "/v1/orders/by_client_id/{client_order_id}", Op::Cancel),
    route("PATCH", "/v1/orders/by_client_id/{client_order_id}", Op::Amend),
    route("POST", "/v1/orders/batch", Op::PlaceBatch),
    route("POST", "/v1/orders/test", Op::Test),
    route("POST", "/v1/order_replacements", Op::Replace),
    route("POST", "/v1/order_lists", Op::PlaceList),
    route("POST", "/v1/cancel_after", Op::CancelAfter),
    route("GET", "/v1/fills", Op::FillsGet),
    route("GET", "/v1/orders/history", Op::OrdersHistory),
    route("GET", "/v1/fills/history", Op::FillsHistory),
    route("GET", "/v1/ledger", Op::LedgerGet),
    route("GET", "/v1/balances", Op::BalancesGet),
    route("GET", "/v1/positions", Op::PositionsGet),
    route("POST", "/v1/withdrawals", Op::Withdraw),
    route("GET", "/v1/withdrawals", Op::WithdrawalsGet),
    route("DELETE", "/v1/withdrawals/{withdrawal_id}", Op::WithdrawalCancel),
    route("POST", "/v1/sessions", Op::SessionOpen),
    route("POST", "/v1/sessions/current", Op::SessionRefresh),
    route("DELETE", "/v1/sessions/current", Op::SessionEnd),
    route("POST", "/v1/password", Op::PasswordChange),
    route("POST", "/v1/admin/accounts", Op::AccountCreate),
    route("GET", "/v1/admin/accounts", Op::AccountsGet),
    route("PATCH", "/v1/admin/accounts/{account}", Op::AccountConfigure),
    route("POST", "/v1/admin/accounts/{account}/keys", Op::KeyCreate),
    route("GET", "/v1/admin/accounts/{account}/keys", Op::KeysGet),
    route("POST", "/v1/admin/accounts/{account}/deposits", Op::Deposit),
    route("POST", "/v1/admin/accounts/{account}/withdrawals", Op::Withdraw),
    route("GET", "/v1/admin/withdrawals", Op::WithdrawalsPending),
    route("POST", "/v1/admin/withdrawals/{withdrawal_id}/approval", Op::WithdrawalApprove),
    route("POST", "/v1/admin/withdrawals/{withdrawal_id}/rejection", Op::WithdrawalReject),
    route("GET", "/v1/admin/withdrawal_caps", Op::WithdrawalCapsGet),
    route("POST", "/v1/admin/withdrawal_caps", Op::WithdrawalCapSet),
    route("PATCH", "/v1/admin/keys/{key_id}", Op::KeyBind),
    route("DELETE", "/v1/admin/keys/{key_id}", Op::KeyRevoke),
    route("POST", "/v1/admin/keys/{key_id}/password", Op::PasswordSet),
    route("POST", "/v1/admin/groups", Op::GroupCreate),
    route("GET", "/v1/admin/groups", Op::GroupsGet),
    route("POST", "/v1/admin/assets", Op::AssetCreate),
    route("POST", "/v1/admin/instruments", Op::InstrumentCreate),
    route("PATCH", "/v1/admin/instruments/{symbol}", Op::InstrumentConfigure),
    route("POST", "/v1/admin/instruments/{symbol}/state", Op::InstrumentState),
    route("POST", "/v1/admin/instruments/{symbol}/mark", Op::MarkSet),
    route("POST", "/v1/admin/instruments/{symbol}/auction", Op::AuctionSchedule),
    route("POST", "/v1/admin/fee_tiers", Op::FeesSetTier),
    route("GET", "/v1/admin/fee_tiers", Op::FeeTiersGet),
    route("POST", "/v1/admin/limits", Op::LimitSet),
    route("GET", "/v1/admin/limits", Op::LimitsGet),
    route("POST", "/v1/admin/risk_states", Op::RiskSetState),
    route("POST", "/v1/admin/kill_switches", Op::KillSwitch),
    route("POST", "/v1/admin/kill_resets", Op::KillReset),
];

/// A route that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The operation.
    pub op: Op,
    /// The part of the path that is a parameter, with its name.
    pub named: Option<(&'static str, &'a str)>,
}

/// The route of a method and a path; not decoded, no part of it is empty.
///
/// Cost: one comparison a route, the part that all share first.
pub fn find_route<'a>(method: &str, path: &'a str) -> Option<Found<'a>> {
    ROUTES.iter().find_map(|route| {
        if route.method != method {
            return None;
        }
        let Some((before, rest)) = route.path.split_once('{') else {
            return (route.path == path).then_some(Found { op: route.op, named: None });
        };
        let (name, after) = rest.split_once('}')?;
        let value = path.strip_prefix(before)?.strip_suffix(after)?;
        // What is a route of its own, with another method, is no part of this one.
        let is_one = !value.is_empty()
            && !value.contains('/')
            && !ROUTES.iter().any(|route| route.path == path);
        is_one.then_some(Found { op: route.op, named: Some((name, value)) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_but_those_of_a_session_has_a_route_and_its_part_of_the_path_is_a_parameter()
    {
        let of_sockets = [
            Op::Logon,
            Op::Logoff,
            Op::Resume,
            Op::CancelOnDisconnect,
            Op::Subscribe,
            Op::Unsubscribe,
            Op::Ping,
            Op::Time,
        ];
        for op in Op::ALL {
            let routes: alloc::vec::Vec<_> =
                ROUTES.iter().filter(|route| route.op == *op).collect();
            let name = op.spec().name;
            assert_eq!(routes.is_empty(), of_sockets.contains(op), "{name}");
            for route in routes {
                let Some((_, rest)) = route.path.split_once('{') else { continue };
                let (part, _) = rest.split_once('}').expect("closed");
                let known = op.spec().params.iter().any(|param| param.name == part);
                assert!(known || part == "account", "{}", route.path);
            }
        }
    }

    #[test]
    fn a_path_finds_its_route_and_no_other() {
        let found = |method, path| find_route(method, path).map(|found| (found.op, found.named));
        assert_eq!(found("POST", "/v1/orders"), Some((Op::Place, None)));
        let cancel = Some((Op::Cancel, Some(("order_id", "7"))));
        assert_eq!(found("DELETE", "/v1/orders/7"), cancel);
        let by_client = Some((Op::Cancel, Some(("client_order_id", "a"))));
        assert_eq!(found("DELETE", "/v1/orders/by_client_id/a"), by_client);
        let state = Some((Op::InstrumentState, Some(("symbol", "BTC-USD"))));
        assert_eq!(found("POST", "/v1/admin/instruments/BTC-USD/state"), state);
        for (method, path) in [
            ("PUT", "/v1/orders"),
            ("POST", "/v1/orders/"),
            ("DELETE", "/v1/orders/"),
            ("DELETE", "/v1/orders/1/2"),
            ("POST", "/v1/ordersx"),
            ("POST", "/v1/admin/instruments/A/B/state"),
            ("DELETE", "/v1/orders/batch"),
            ("PATCH", "/v1/orders/test"),
        ] {
            assert_eq!(found(method, path), None, "{method} {path}");
        }
    }
}
