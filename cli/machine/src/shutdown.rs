//! The wish to end, as a parameter: first gently, then at once.

use tokio_util::sync::CancellationToken;

/// Passed to everything that runs for a while. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    requested: CancellationToken,
    forced: CancellationToken,
}

impl Shutdown {
    /// Nobody wants to end yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A shutdown that follows this one, and that can also be requested alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            requested: self.requested.child_token(),
            forced: self.forced.child_token(),
        }
    }

    /// Asks for a gentle end; the second time for an end at once.
    pub fn request(&self) {
        if self.requested.is_cancelled() {
            self.forced.cancel();
        }
        self.requested.cancel();
    }

    /// Asks for a gentle end, however often it was asked before.
    pub fn request_once(&self) {
        self.requested.cancel();
    }

    /// Whether an end was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Whether an end at once was asked for.
    #[must_use]
    pub fn is_forced(&self) -> bool {
        self.forced.is_cancelled()
    }

    /// Returns when an end was asked for.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// Returns when an end at once was asked for.
    pub async fn forced(&self) {
        self.forced.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_request_forces_and_a_child_does_not_end_its_parent() {
        let parent = Shutdown::new();
        let child = parent.child();
        child.request();
        assert!(child.is_requested() && !parent.is_requested());
        parent.request();
        assert!(parent.is_requested() && !parent.is_forced());
        parent.request();
        assert!(parent.is_forced() && child.is_forced());
    }
}
