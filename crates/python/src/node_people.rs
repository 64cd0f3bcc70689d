//! What people need of the process: the pool that hashes passwords.

use crate::clock::wall_us;
use crate::engine_view::EngineView;
use crate::node_core::NodeCore;
use coulisse_gateway::people::PeopleRules;

impl NodeCore {
    /// Sets the rules of people, and how many passwords are hashed at once.
    pub(crate) fn set_people(&mut self, rules: PeopleRules, threads: usize) {
        self.hub.set_people(rules);
        self.pool.set_threads(threads);
    }

    /// Hands passwords to the pool, and questions to whoever reads the store.
    pub(crate) fn start_slow(&mut self) {
        self.call_reader();
        while let Some((number, work)) = self.hub.take_work() {
            self.pool.start(number, work);
        }
    }

    /// Goes on with what waited for passwords.
    pub(crate) fn finish_slow(&mut self) {
        for (number, done) in self.pool.take_done() {
            self.hub.finish_work(number, done, wall_us(), &EngineView(&self.engine));
        }
        self.start_slow();
    }
}
