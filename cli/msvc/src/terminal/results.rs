//! Results on standard output, and whether all of them came there.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

/// Standard output. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Results {
    /// Why the first one that was lost could not be written.
    unwritten: Arc<Mutex<Option<io::Error>>>,
}

impl Results {
    /// Writes a result, one line or more.
    ///
    /// # Errors
    /// When nobody reads any more, or it cannot be written.
    pub(super) fn write(&self, text: &str) -> io::Result<()> {
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        let mut out = io::stdout().lock();
        let written = write!(out, "{text}{newline}").and_then(|()| out.flush());
        written.inspect_err(|why| self.note(why))
    }

    /// A reader that has seen enough is no failure of what was asked; a disk that is full is one.
    fn note(&self, why: &io::Error) {
        if why.kind() != io::ErrorKind::BrokenPipe {
            let mut unwritten = self
                .unwritten
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            unwritten.get_or_insert_with(|| io::Error::new(why.kind(), why.to_string()));
        }
    }

    /// Why a result was lost, if one was; told once.
    pub(super) fn unwritten(&self) -> Option<io::Error> {
        let mut unwritten = self
            .unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unwritten.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_loss_and_a_full_disk_is_told_once() {
        let results = Results::default();
        results.note(&io::ErrorKind::BrokenPipe.into());
        assert!(results.unwritten().is_none());
        results.note(&io::ErrorKind::StorageFull.into());
        results.note(&io::ErrorKind::Other.into());
        let why = results.unwritten().unwrap();
        assert_eq!(why.kind(), io::ErrorKind::StorageFull);
        assert!(results.unwritten().is_none());
    }
}
