//! Cuts what a callee answers into what streams through and whole answers to look at.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Awaited;

/// The longest answer that is held until it is whole. Clients ask for 50 MiB at most unless told
/// otherwise; a longer one streams through unread.
const MAX_HELD: usize = 128 * 1024 * 1024;

/// What became of the callee's bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// They go on as they are.
    AsItIs,
    /// These go on instead.
    Pieces(Vec<Piece>),
}

/// A part of what goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes as they came.
    Bytes(Bytes),
    /// A whole answer to look at, without its size.
    Answer(Awaited, Bytes),
    /// What was to be looked at streams through, being too long.
    Unread,
}

/// Not to be understood any more; what was held goes on with these.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) pieces: Vec<Piece>,
}

/// Where in the stream of answers it is.
#[derive(Debug)]
pub(crate) enum Answers {
    /// In a frame's size and number.
    Head(Vec<u8>),
    /// In a frame that streams through.
    Passing(usize),
    /// In a frame that is held until it is whole.
    Holding {
        awaited: Awaited,
        frame: Vec<u8>,
        size: usize,
    },
}

impl Default for Answers {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl Answers {
    /// Whether bytes may go past it.
    pub(crate) fn holds_nothing(&self) -> bool {
        match self {
            Self::Head(head) => head.is_empty(),
            Self::Passing(_) => true,
            Self::Holding { .. } => false,
        }
    }

    /// Takes the next bytes.
    pub(crate) fn cut(
        &mut self,
        bytes: &[u8],
        awaited: &mut VecDeque<Awaited>,
    ) -> Result<Heard, Lost> {
        let mut rest = bytes;
        let mut pieces = Vec::new();
        let mut held = !self.holds_nothing();
        while !rest.is_empty() {
            match self {
                Self::Passing(missing) => {
                    let n = rest.len().min(*missing);
                    push(&mut pieces, &rest[..n]);
                    rest = &rest[n..];
                    *missing -= n;
                    if *missing == 0 {
                        *self = Self::default();
                    }
                }
                Self::Head(head) => {
                    let n = rest.len().min(8 - head.len());
                    head.extend_from_slice(&rest[..n]);
                    rest = &rest[n..];
                    if head.len() < 8 {
                        break;
                    }
                    let head = std::mem::take(head);
                    match next(&head, awaited) {
                        Some((Self::Passing(missing), unread)) => {
                            push(&mut pieces, &head);
                            if unread {
                                pieces.push(Piece::Unread);
                                held = true;
                            }
                            *self = match missing {
                                0 => Self::default(),
                                missing => Self::Passing(missing),
                            };
                        }
                        Some((other, _)) => *self = other,
                        None => {
                            push(&mut pieces, &head);
                            push(&mut pieces, rest);
                            return Err(Lost { pieces });
                        }
                    }
                }
                Self::Holding {
                    awaited,
                    frame,
                    size,
                } => {
                    held = true;
                    let n = rest.len().min(*size - frame.len());
                    frame.extend_from_slice(&rest[..n]);
                    rest = &rest[n..];
                    if frame.len() == *size {
                        let frame = Bytes::from(std::mem::take(frame));
                        pieces.push(Piece::Answer(*awaited, frame));
                        *self = Self::default();
                    }
                }
            }
        }
        if held || !self.holds_nothing() {
            Ok(Heard::Pieces(pieces))
        } else {
            Ok(Heard::AsItIs)
        }
    }
}

/// What to do with the frame that begins so, and whether it should have been looked at.
fn next(head: &[u8], awaited: &mut VecDeque<Awaited>) -> Option<(Answers, bool)> {
    let size = i32::from_be_bytes(*head.first_chunk()?);
    let size = usize::try_from(size).ok().filter(|size| *size >= 4)?;
    let correlation = i32::from_be_bytes(*head.get(4..)?.first_chunk()?);
    // Answers come in the order of their requests; what is passed over had none.
    let place = awaited.iter().position(|a| a.correlation == correlation)?;
    let request = awaited.drain(..=place).next_back()?;
    let wanted = request.api.is_looked_at(request.version);
    if !wanted || size > MAX_HELD || size == 4 {
        return Some((Answers::Passing(size - 4), wanted && size > MAX_HELD));
    }
    let mut frame = Vec::with_capacity(size.min(64 * 1024));
    frame.extend_from_slice(&head[4..8]);
    let holding = Answers::Holding {
        awaited: request,
        frame,
        size,
    };
    Some((holding, false))
}

fn push(pieces: &mut Vec<Piece>, bytes: &[u8]) {
    if !bytes.is_empty() {
        pieces.push(Piece::Bytes(Bytes::copy_from_slice(bytes)));
    }
}
