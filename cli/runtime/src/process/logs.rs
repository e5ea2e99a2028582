//! What the services write: to the file first, line by line, then told to whoever follows.
//!
//! Followers read the file as well, so none holds a service up, and only one that is slower than
//! the whole log's turnover misses lines; in memory stand only the last lines of each replica.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use msvc_machine::clock::Clock;
use msvc_machine::pipe::read_what_is_there;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Stream;
use msvc_system::id::{InstanceId, LaneName, ServiceName};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;

use super::home::{ProjectHome, records};
use super::log_file::{FULL, LogFile};
use crate::contract::{LogLine, RuntimeError};
use crate::lines::{LONGEST_LINE, Lines};

/// Lines of a replica that stand in memory, for the message that says why it never became ready.
const KEPT: usize = 50;

/// The logs of one supervisor's instances. Clones share them.
#[derive(Clone)]
pub(super) struct Logs {
    home: ProjectHome,
    clock: Arc<dyn Clock>,
    kept: Arc<Mutex<HashMap<Replica, VecDeque<String>>>>,
    /// One for each replica, whichever start of it writes: two would put it aside twice.
    files: Arc<Mutex<HashMap<Replica, SharedFile>>>,
    /// Changes with every line; `false` when no more will come.
    told: Arc<watch::Sender<bool>>,
}

type Replica = (LaneName, ServiceName, u32);

type SharedFile = Arc<Mutex<LogFile>>;

fn replica(id: &InstanceId) -> Replica {
    (id.lane.clone(), id.service.clone(), id.replica)
}

impl Logs {
    pub(super) fn new(home: ProjectHome, clock: Arc<dyn Clock>) -> Self {
        Self {
            home,
            clock,
            kept: Arc::default(),
            files: Arc::default(),
            told: Arc::new(watch::Sender::new(true)),
        }
    }

    /// Opens the log of an instance about to start.
    pub(super) fn open(&self, id: &InstanceId) -> Result<LogWriter, RuntimeError> {
        let path = self.home.log_file(id);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(records(folder))?;
        }
        let file = self.file(id, &path).map_err(records(&path))?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(replica(id), VecDeque::new());
        Ok(LogWriter {
            id: id.clone(),
            logs: self.clone(),
            file,
        })
    }

    /// A replica's log, opened anew (the user may have removed it), also for an earlier start that
    /// still writes.
    fn file(&self, id: &InstanceId, path: &Path) -> io::Result<SharedFile> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match files.entry(replica(id)) {
            Entry::Occupied(there) => {
                let mut earlier = there.get().lock().unwrap_or_else(PoisonError::into_inner);
                *earlier = LogFile::open(path, FULL)?;
                Ok(Arc::clone(there.get()))
            }
            Entry::Vacant(free) => {
                let file = LogFile::open(path, FULL)?;
                Ok(Arc::clone(free.insert(Arc::new(Mutex::new(file)))))
            }
        }
    }

    /// The last lines of a replica's current or last start.
    pub(super) fn last_lines(&self, id: &InstanceId, count: usize) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&replica(id)).map_or_else(Vec::new, |lines| {
            lines
                .iter()
                .skip(lines.len().saturating_sub(count))
                .cloned()
                .collect()
        })
    }

    /// Changes with every line; holds `false` once no more will come.
    pub(super) fn subscribe(&self) -> watch::Receiver<bool> {
        self.told.subscribe()
    }

    /// No more lines will come: followers end once they have read all.
    pub(super) fn close(&self) {
        self.told.send_replace(false);
    }
}

/// Where the two streams of one start of an instance go.
#[derive(Clone)]
pub(super) struct LogWriter {
    id: InstanceId,
    logs: Logs,
    file: SharedFile,
}

impl LogWriter {
    /// Reads a stream to its end, whatever becomes of the lines: a service must never stand still
    /// because nobody reads it. Once it is `over` what is there is the last of it.
    pub(super) async fn drain(
        self,
        mut from: impl AsyncRead + AsFd + Unpin,
        stream: Stream,
        over: Shutdown,
    ) {
        let mut lines = Lines::default();
        let mut chunk = vec![0; LONGEST_LINE];
        loop {
            let read = tokio::select! {
                read = from.read(&mut chunk) => read,
                () = over.requested() => {
                    self.append(stream, lines.take(&read_what_is_there(&from)));
                    break;
                }
            };
            let read = match read {
                Ok(0) | Err(_) => break,
                Ok(read) => read,
            };
            let whole = lines.take(&chunk[..read]);
            self.append(stream, whole);
        }
        self.append(stream, lines.rest().into_iter().collect());
    }

    fn append(&self, stream: Stream, texts: Vec<String>) {
        if texts.is_empty() {
            return;
        }
        let wall = self.logs.clock.wall();
        let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = LogLine {
            instance: self.id.clone(),
            stream,
            at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            text: String::new(),
        };
        let mut bytes = Vec::new();
        let mut last = VecDeque::with_capacity(KEPT);
        for text in texts {
            line.text = text;
            // Values of strings and numbers only: they always serialise.
            if serde_json::to_writer(&mut bytes, &line).is_ok() {
                bytes.push(b'\n');
            }
            push(&mut last, std::mem::take(&mut line.text));
        }
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            // A full disk must not stop the service; the lines in memory still tell of its end.
            let _ = file.append(&bytes);
        }
        let mut kept = self
            .logs
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let lines = kept.entry(replica(&self.id)).or_default();
        last.into_iter().for_each(|text| push(lines, text));
        drop(kept);
        self.logs.told.send_modify(|_| {});
    }
}

/// Adds a line to those that stand in memory.
fn push(lines: &mut VecDeque<String>, text: String) {
    if lines.len() == KEPT {
        lines.pop_front();
    }
    lines.push_back(text);
}
