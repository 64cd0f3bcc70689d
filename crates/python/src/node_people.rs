//! What people need of the process: the pool that hashes passwords, and lines in the node's log.

use crate::clock::wall_us;
use crate::engine_view::EngineView;
use crate::node_core::NodeCore;
use crate::notes::say;
use coulisse_gateway::people::{Audited, PeopleRules};
use coulisse_gateway::view::CoreView as _;

/// Lines about logons that are written in one second: more would be a way to fill a disk.
const LINES_PER_S: u32 = 50;

/// How many lines were written in this second, and what was left out of it.
#[derive(Default)]
pub(crate) struct Said {
    second: i64,
    lines: u32,
    left_out: u64,
}

impl Said {
    /// Whether a line may be written now; and how many were left out before, where a second begins.
    fn may_say(&mut self, now_us: i64) -> (bool, u64) {
        let second = now_us.div_euclid(1_000_000);
        let mut before = 0;
        if second != self.second {
            before = std::mem::take(&mut self.left_out);
            (self.second, self.lines) = (second, 0);
        }
        self.lines += 1;
        let may = self.lines <= LINES_PER_S;
        self.left_out += u64::from(!may);
        (may, before)
    }
}

impl NodeCore {
    /// Sets the rules of people, and how many passwords are hashed at once.
    pub(crate) fn set_people(&mut self, rules: PeopleRules, threads: usize) {
        self.hub.set_people(rules);
        self.pool.set_threads(threads);
    }

    /// Hands passwords to the pool.
    pub(crate) fn start_slow(&mut self) {
        while let Some((number, work)) = self.hub.take_work() {
            self.pool.start(number, work);
        }
        for audited in self.hub.take_audited() {
            self.tell_audited(&audited);
        }
    }

    /// Goes on with what waited for passwords.
    pub(crate) fn finish_slow(&mut self) {
        for (number, done) in self.pool.take_done() {
            self.hub.finish_work(number, done, wall_us(), &EngineView(&self.engine));
        }
        self.start_slow();
    }

    fn tell_audited(&mut self, audited: &Audited) {
        let (may, left_out) = self.said.may_say(wall_us());
        if left_out > 0 {
            let count = left_out.to_string();
            say("warning", "logons_not_told", None, &[("count", &count)]);
        }
        if !may {
            return;
        }
        let Audited { event, method, who, address } = audited;
        let level = if *event == "logon_failed" { "warning" } else { "info" };
        let address = address.map_or_else(String::new, |address| address.to_string());
        let mut fields = vec![("method", *method), ("address", address.as_str())];
        let account = who.and_then(|(_, account)| EngineView(&self.engine).account_name(account));
        if let Some((key_id, _)) = who {
            fields.push(("key_id", key_id.as_str()));
        }
        if let Some(account) = &account {
            fields.push(("account", account.as_str()));
        }
        say(level, event, None, &fields);
    }
}
