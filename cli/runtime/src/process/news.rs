//! What a session is told of the instances that it works on: what happened to each since the
//! session began, or since its last step on it, and nothing twice. What happened before is no news.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use msvc_mesh::protocol::SessionId;
use msvc_report::event::Event;
use msvc_system::id::InstanceId;

use super::events::EventLog;
use super::supervisor::{Key, key};

/// What each session was told so far.
#[derive(Debug, Default)]
pub(super) struct News(Mutex<HashMap<SessionId, Told>>);

#[derive(Debug)]
struct Told {
    /// The last event before it began.
    before: u64,
    /// The last one that a step on each was answered with.
    of: HashMap<Key, u64>,
}

impl News {
    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session asks for something; the first time it begins.
    pub(super) fn begin(&self, session: SessionId, events: &EventLog) {
        self.sessions().entry(session).or_insert_with(|| Told {
            before: events.latest(),
            of: HashMap::new(),
        });
    }

    /// What is news to it of a replica. From now on that is known.
    pub(super) fn of(&self, session: SessionId, id: &InstanceId, events: &EventLog) -> Vec<Event> {
        let mut sessions = self.sessions();
        // One that has ended is told nothing any more.
        let Some(told) = sessions.get_mut(&session) else {
            return Vec::new();
        };
        let since = told.of.entry(key(id)).or_insert(told.before);
        let latest = events.latest();
        let news = events.of(id, *since);
        *since = latest;
        news
    }

    /// It has ended.
    pub(super) fn end(&self, session: SessionId) {
        self.sessions().remove(&session);
    }
}
