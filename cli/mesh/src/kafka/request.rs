//! Watches what a caller asks: which answers are to come.

use std::collections::VecDeque;

use super::walk::Walk;
use super::{Api, Awaited};

/// Bytes of a request that are looked at: enough for the names before Produce's `acks`.
const HEAD: usize = 2048;

/// Where in the stream of requests it is.
#[derive(Debug)]
pub(crate) struct Requests {
    /// The beginning of the current frame, its size first.
    head: Vec<u8>,
    /// Bytes of the current frame that need no looking at.
    skip: usize,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            head: Vec::with_capacity(64),
            skip: 0,
        }
    }
}

impl Requests {
    /// Takes the next bytes; whether they were understood.
    pub(crate) fn watch(&mut self, mut bytes: &[u8], awaited: &mut VecDeque<Awaited>) -> bool {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let n = self.skip.min(bytes.len());
                self.skip -= n;
                bytes = &bytes[n..];
                continue;
            }
            let wanted = match self.wanted() {
                Some(wanted) => wanted,
                None => return false,
            };
            let n = (wanted - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            if self.wanted() == Some(self.head.len()) {
                let Some(size) = self.size() else {
                    return false;
                };
                awaited.extend(asked(&self.head[4..]));
                self.skip = size + 4 - self.head.len();
                self.head.clear();
            }
        }
        true
    }

    fn size(&self) -> Option<usize> {
        let size = i32::from_be_bytes(*self.head.first_chunk()?);
        // A request has a header of 8 bytes at least.
        usize::try_from(size).ok().filter(|size| *size >= 8)
    }

    /// How long the head must be; `None` when the size makes no sense.
    fn wanted(&self) -> Option<usize> {
        if self.head.len() < 12 {
            if self.head.len() >= 4 {
                self.size()?;
            }
            return Some(12);
        }
        let size = self.size()?;
        let produce = self.head[4..6] == Api::PRODUCE.0.to_be_bytes();
        Some(if produce { (size + 4).min(HEAD) } else { 12 })
    }
}

/// The answer that a request will have; `None` for one that has none.
fn asked(head: &[u8]) -> Option<Awaited> {
    let mut walk = Walk::new(head);
    let awaited = Awaited {
        api: Api(walk.i16().ok()?),
        version: walk.i16().ok()?,
        correlation: walk.i32().ok()?,
    };
    // One that cannot be read to its `acks` is taken to be answered; if it is not, the next
    // answer's number tells.
    let silent = awaited.api == Api::PRODUCE && acks(walk, awaited.version) == Some(0);
    (!silent).then_some(awaited)
}

fn acks(mut walk: Walk<'_>, version: i16) -> Option<i16> {
    walk.string().ok()?;
    if version >= 9 {
        walk.flexible = true;
        walk.tags().ok()?;
    }
    if version >= 3 {
        walk.string().ok()?;
    }
    walk.i16().ok()
}
