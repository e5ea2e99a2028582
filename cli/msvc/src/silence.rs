//! An engine that stays silent is told, with what it was asked, while a command waits for it.

use std::time::Duration;

use crate::context::Context;

/// Whoever needs no longer for an answer is not silent.
pub const SILENT: Duration = Duration::from_secs(10);

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Between two words about it.
const AGAIN: Duration = Duration::from_secs(30);

impl Context {
    /// Does what may wait for an engine, and says what it waits for when that stays silent. How long
    /// it waits at most is for whoever asks.
    pub async fn telling_of_silence<T>(&self, doing: impl Future<Output = T>) -> T {
        tokio::pin!(doing);
        let mut next = self.clock.now();
        loop {
            tokio::select! {
                done = &mut doing => return done,
                () = self.clock.sleep(LOOK) => {}
            }
            if self.clock.now() >= next
                && let Some(silent) = self.questions.unanswered(SILENT)
            {
                self.terminal.note(&silent.to_string());
                next = self.clock.now() + AGAIN;
            }
        }
    }

    /// Returns once an engine is silent.
    pub async fn silence(&self) {
        while self.questions.unanswered(SILENT).is_none() {
            self.clock.sleep(LOOK).await;
        }
    }
}
