//! A bounded, numbered record of what happened, with any number of readers. It keeps the newest
//! items; a reader that falls behind is told how many it missed, and nobody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Items kept for readers that are behind.
pub const KEPT: usize = 8192;

/// An item of a record, as a subscription sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered<T> {
    /// Its number in the record, from 0.
    pub number: u64,
    /// How many the reader missed just before this one.
    pub lost: u64,
    /// The item.
    #[serde(flatten)]
    pub item: T,
}

/// From where a subscription reads: its parameters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct From {
    /// The first number wanted; from now on, where none is given.
    #[serde(default)]
    pub from: Option<u64>,
}

#[derive(Debug)]
struct Kept<T> {
    first: u64,
    items: VecDeque<T>,
}

/// The record. Clones share it.
#[derive(Debug)]
pub(crate) struct Record<T> {
    kept: Arc<Mutex<Kept<T>>>,
    /// The number that the next item will have.
    next: Arc<watch::Sender<u64>>,
}

impl<T> Clone for Record<T> {
    fn clone(&self) -> Self {
        Self {
            kept: Arc::clone(&self.kept),
            next: Arc::clone(&self.next),
        }
    }
}

impl<T: Clone + Send + 'static> Record<T> {
    pub(crate) fn new() -> Self {
        Self {
            kept: Arc::new(Mutex::new(Kept {
                first: 0,
                items: VecDeque::new(),
            })),
            next: Arc::new(watch::Sender::new(0)),
        }
    }

    pub(crate) fn add(&self, item: T) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.items.len() == KEPT {
            kept.items.pop_front();
            kept.first += 1;
        }
        kept.items.push_back(item);
        let next = kept.first + kept.items.len() as u64;
        // Still under the lock, so that numbers are told in order.
        self.next.send_replace(next);
    }

    /// Items from `from` on (from now on, where it is `None`). Ends only with the record.
    pub(crate) fn read(&self, from: From) -> impl Stream<Item = Numbered<T>> + Send + use<T> {
        let next = self.next.subscribe();
        let at = from.from.unwrap_or_else(|| *next.borrow());
        let kept = Arc::clone(&self.kept);
        futures_util::stream::unfold((kept, next, at), |(kept, mut next, at)| async move {
            next.wait_for(|next| *next > at).await.ok()?;
            let item = {
                let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let number = at.max(kept.first);
                let index = usize::try_from(number - kept.first).ok()?;
                Numbered {
                    number,
                    lost: number - at,
                    item: kept.items.get(index)?.clone(),
                }
            };
            let at = item.number + 1;
            Some((item, (kept, next, at)))
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_reader_that_fell_behind_is_told_how_many_it_missed() {
        let record = Record::new();
        let mut slow = Box::pin(record.read(From { from: Some(0) }));
        for n in 0..KEPT + 5 {
            record.add(n);
        }
        let first = slow.next().await.unwrap();
        assert_eq!((first.number, first.lost, first.item), (5, 5, 5));
        let second = slow.next().await.unwrap();
        assert_eq!((second.number, second.lost), (6, 0));
    }

    #[tokio::test]
    async fn a_reader_without_a_number_hears_only_what_comes() {
        let record = Record::new();
        record.add("before");
        let mut reader = Box::pin(record.read(From::default()));
        record.add("after");
        assert_eq!(reader.next().await.unwrap().item, "after");
    }
}
