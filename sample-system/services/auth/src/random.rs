//! Bytes that nobody can guess, as a parameter: keys, salts and ids are made of them.

use std::fmt;
use std::sync::Arc;

type Fill = dyn Fn(&mut [u8]) -> Result<(), getrandom::Error> + Send + Sync;

/// Where random bytes come from.
#[derive(Clone)]
pub(crate) struct Random(Arc<Fill>);

impl Random {
    /// The machine's own source.
    pub(crate) fn system() -> Self {
        Self(Arc::new(getrandom::fill))
    }

    /// The next bytes.
    ///
    /// # Errors
    /// When the machine has none.
    pub(crate) fn bytes<const N: usize>(&self) -> Result<[u8; N], getrandom::Error> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes)?;
        Ok(bytes)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
