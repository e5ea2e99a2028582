//! What the end-to-end tests share: a system of their own, the binary run to its end or beside
//! the test, and waiting for a condition with a deadline.
//!
//! Every system a test boots has a project name of its own and is taken down, data included,
//! however the test ends. Nothing here sleeps for something to be done: it polls the condition.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    clippy::allow_attributes,
    reason = "each test binary uses a part of it"
)]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod audited;
mod auditor;
mod building;
mod engine;
pub mod harmful;
mod http;
pub mod inside;
pub mod load;
mod machine;
pub mod nodes;
mod one_shop;
mod proxy;
pub mod repository;
mod running;
mod runtime;
mod shared_engine;
pub mod shop;
mod system;
mod tools;

pub use audited::Sent;
pub use auditor::Audit;
pub use building::building;
pub use engine::{Engine, an_engine_answers, belongings, docker};
pub use http::http;
pub use machine::{Sets, alive, assert_free, at_once, free_port, is_root, kill, listening};
pub use one_shop::OneShop;
pub use proxy::{Instead, Proxy};
pub use running::{Finished, Running, beside, finish};
pub(crate) use runtime::in_both;
pub use runtime::{Runtime, in_containers};
pub use shared_engine::{SharedEngine, engine};
pub use shop::{Customer, Shop};
pub use system::{System, runs, shop_file, shop_services};

/// Long enough for a busy machine with two cores; reached only when something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How long a command may take to its end. More than the limits that msvc sets itself (180 s for the
/// boot of a copy alone): who gave up before those would not hear what it was that took so long.
pub const TO_ITS_END: Duration = Duration::from_secs(600);

/// Says that a test did not run for want of `what`; where nothing may be skipped, as in CI, that
/// is a failure.
#[track_caller]
pub fn skipped(what: &str) {
    assert!(
        std::env::var_os("MSVC_TESTS_SKIP_NOTHING").is_none(),
        "this test needs {what}"
    );
    // The harness shows no output of a test that passes; this goes past it.
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let words = format!("\n!!! SKIPPED: {name} needs {what}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), words.as_bytes());
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Polls `condition` until it gives a value, or fails naming `what` after [`PATIENCE`].
#[track_caller]
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Reads a file to its end, or nothing.
pub fn read(path: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        let _ = file.read_to_string(&mut text);
    }
    text
}
