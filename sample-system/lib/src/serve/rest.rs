//! What still comes of a request that was answered before its end: it is read and dropped for a while
//! before the connection ends. A machine that closes a connection with bytes unread resets it, and
//! whoever sends all of a request before they read would meet that in the place of the answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::patient::Alarm;

/// Bytes that are dropped. 16 MiB: what one sends by mistake, a photograph in the place of a word;
/// whoever sends more does not mind the answer.
pub(super) const DROPPED: usize = 16 * 1024 * 1024;

/// Bytes that are dropped at a time.
const PIECE: usize = 16 * 1024;

/// The end of a connection on which nothing more is said.
#[derive(Debug)]
pub(super) struct Rest {
    /// Until when it is waited for.
    until: Instant,
    alarm: Alarm,
    dropped: usize,
}

impl Rest {
    /// What comes until then.
    pub(super) fn new(until: Instant) -> Self {
        Self {
            until,
            alarm: Alarm::default(),
            dropped: 0,
        }
    }

    /// Drops what comes of `stream`, until there is no more or it has been enough. Where nothing
    /// `is_owed`, only what is there already.
    pub(super) fn poll<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        is_owed: bool,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut piece = [0; PIECE];
        while self.dropped <= DROPPED {
            let mut buffer = ReadBuf::new(&mut piece);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.dropped += buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if !is_owed && self.dropped == 0 => return Poll::Ready(()),
                Poll::Pending if self.alarm.is_due(self.until, context) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests;
