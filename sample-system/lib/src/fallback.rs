//! The last good answer of each question, for when the one who would know is away. What it answers
//! is marked as stale; who shows it says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A value and whether it is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// The one who knows just said so.
    Fresh(T),
    /// The one who knows is away; that was the last good answer.
    Stale(T),
    /// Nobody knows.
    Missing,
}

impl<T> Answer<T> {
    /// The value, where there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Fresh(value) | Self::Stale(value) => Some(value),
            Self::Missing => None,
        }
    }
}

/// Keeps last good answers, as many as it is given room for. Clones share them.
#[derive(Debug, Clone)]
pub struct LastGood<K, V> {
    room: usize,
    kept: Arc<Mutex<Kept<K, V>>>,
}

#[derive(Debug)]
struct Kept<K, V> {
    /// Counts uses, so that the answer that was not used for longest makes room.
    uses: u64,
    answers: BTreeMap<K, (u64, V)>,
}

impl<K: Ord + Clone, V: Clone> LastGood<K, V> {
    /// Room for `room` answers.
    pub fn new(room: usize) -> Self {
        Self {
            room: room.max(1),
            kept: Arc::new(Mutex::new(Kept {
                uses: 0,
                answers: BTreeMap::new(),
            })),
        }
    }

    /// `result` where it is good, which is kept for `question`; else what was kept before.
    pub fn answer<E>(&self, question: K, result: Result<V, E>) -> Answer<V> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        match result {
            Ok(value) => {
                kept.answers.insert(question, (uses, value.clone()));
                if kept.answers.len() > self.room {
                    kept.make_room();
                }
                Answer::Fresh(value)
            }
            Err(_) => match kept.answers.get_mut(&question) {
                Some((used, value)) => {
                    *used = uses;
                    Answer::Stale(value.clone())
                }
                None => Answer::Missing,
            },
        }
    }
}

impl<K: Ord + Clone, V> Kept<K, V> {
    /// Drops the answer that was not used for longest. A walk over all: there is room for few.
    fn make_room(&mut self) {
        let oldest = self.answers.iter().min_by_key(|(_, (used, _))| *used);
        if let Some(question) = oldest.map(|(question, _)| question.clone()) {
            self.answers.remove(&question);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_answer_stands_in_for_a_failure_and_says_that_it_is_old() {
        let kept = LastGood::new(10);
        assert_eq!(kept.answer("a", Err::<i32, _>(())), Answer::Missing);
        assert_eq!(kept.answer("a", Ok::<_, ()>(1)), Answer::Fresh(1));
        assert_eq!(kept.answer("a", Err(())), Answer::Stale(1));
        assert_eq!(kept.answer("b", Err(())), Answer::Missing);
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let kept = LastGood::new(2);
        for question in ["a", "b"] {
            let _kept = kept.answer(question, Ok::<_, ()>(1));
        }
        let _used = kept.answer("a", Err(()));
        let _third = kept.answer("c", Ok::<_, ()>(1));
        assert_eq!(kept.answer("b", Err(())), Answer::Missing);
        assert_eq!(kept.answer("a", Err(())), Answer::Stale(1));
    }
}
