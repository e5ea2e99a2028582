//! `exchanges.ndjson` of `--artifacts`: what passed the edges while the run lasted, one line each,
//! written as it comes. Bounded: what is beyond the bound is counted, not kept. That it cannot be written
//! keeps nobody from what the run is for.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use msvc_mesh::client;
use msvc_mesh::exchange::Exchange;
use msvc_mesh::protocol::Session;
use msvc_mesh::record::{From, Numbered};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::artifacts::Kept;
use crate::context::Context;

/// The file.
const FILE: &str = "exchanges.ndjson";

/// Lines that are kept: at about 400 bytes each, 80 MB.
const MOST: u64 = 200_000;

/// How long the mesh may take to tell what has just ended, once the run is over.
const LAST: Duration = Duration::from_millis(200);

/// Exchanges being written down.
pub struct Exchanges {
    over: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Exchanges {
    /// Begins to write, when artefacts are wanted; of a mesh that was there before, what passes
    /// from now on.
    pub async fn record(context: &Context, mesh: Option<&Session>) -> Option<Self> {
        Self::write_down(context, mesh, Begin::Anew).await
    }

    /// The same of a further mesh, whose lines follow what is there, or stand between the others' where
    /// both are written.
    pub async fn record_too(context: &Context, mesh: Option<&Session>) -> Option<Self> {
        Self::write_down(context, mesh, Begin::AfterOthers).await
    }

    async fn write_down(context: &Context, mesh: Option<&Session>, begin: Begin) -> Option<Self> {
        let (folder, mesh) = (Kept::of(context)?, mesh?);
        let file = folder.keep(FILE, |path| begin.open(path))?;
        let stream = client::exchanges(mesh, From::default()).await;
        let stream = stream.map_err(|why| {
            let why = format!("the mesh does not tell: {why}");
            folder.lost(Some(FILE), &io::Error::other(why));
        });
        let stream = stream.ok()?;
        let (over, end) = oneshot::channel();
        let clock = std::sync::Arc::clone(&context.clock);
        let ended = async move {
            // Dropped or told: either way the run is over.
            let _ = end.await;
            clock.sleep(LAST).await;
        };
        let task = tokio::spawn(write(file, stream, ended));
        Some(Self { over, task })
    }

    /// Writes what has passed until now, and ends.
    pub async fn end(self, context: &Context) {
        // A mesh that has ended has ended the writing too.
        let _ = self.over.send(());
        let written = self.task.await.map_err(io::Error::other);
        if let (Err(why), Some(folder)) = (written.and_then(|done| done), Kept::of(context)) {
            folder.lost(Some(FILE), &why);
        }
    }
}

/// Whether a file is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    Anew,
    AfterOthers,
}

impl Begin {
    /// Each line is written at the end, whoever else writes.
    fn open(self, path: &std::path::Path) -> io::Result<File> {
        if self == Self::Anew {
            File::create(path)?;
        }
        OpenOptions::new().append(true).create(true).open(path)
    }
}

async fn write(
    mut file: File,
    mut exchanges: BoxStream<'static, Numbered<Exchange>>,
    over: impl Future<Output = ()>,
) -> io::Result<()> {
    let (mut written, mut beyond) = (0_u64, 0_u64);
    tokio::pin!(over);
    loop {
        let next = tokio::select! {
            next = exchanges.next() => next,
            () = &mut over => None,
        };
        let Some(exchange) = next else { break };
        if written >= MOST {
            beyond += 1;
            continue;
        }
        // At once: others may write to the same file.
        let mut line = serde_json::to_vec(&exchange)?;
        line.push(b'\n');
        file.write_all(&line)?;
        written += 1;
    }
    if beyond > 0 {
        let line = serde_json::json!({ "schema": "msvc.exchanges-lost/1", "lost": beyond });
        file.write_all(format!("{line}\n").as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_mesh_adds_its_lines_and_the_next_run_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exchanges.ndjson");
        let add = |begin: Begin, line: &str| {
            let mut file = begin.open(&path).unwrap();
            file.write_all(line.as_bytes()).unwrap();
            std::fs::read_to_string(&path).unwrap()
        };
        assert_eq!(add(Begin::AfterOthers, "1"), "1");
        assert_eq!(add(Begin::Anew, "2"), "2");
        assert_eq!(add(Begin::AfterOthers, "3"), "23");
    }
}
