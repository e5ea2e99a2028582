//! Reads log files, whether or not a supervisor runs: merged by time, from the last lines on if
//! asked, and on and on while somebody still writes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use futures_util::stream::{self, BoxStream, StreamExt};
use msvc_system::id::ServiceName;
use tokio::sync::watch;

use super::home::{ProjectHome, records};
use super::log_file::{log_of, put_aside, service_of};
use crate::contract::{LogLine, LogQuery, RuntimeError};

/// Lines read ahead, over all logs.
const BATCH: usize = 256;

/// The lines that are there, oldest first, with no supervisor needed. `follow` has no meaning here.
///
/// # Errors
/// When the files cannot be read.
pub fn read_logs(
    home: &ProjectHome,
    query: &LogQuery,
) -> Result<BoxStream<'static, LogLine>, RuntimeError> {
    lines(home, query, None)
}

/// The lines that are there and, with `told`, those to come until it says that none will.
pub(super) fn lines(
    home: &ProjectHome,
    query: &LogQuery,
    told: Option<watch::Receiver<bool>>,
) -> Result<BoxStream<'static, LogLine>, RuntimeError> {
    let mut reader = Reader::new(home, query);
    reader.look(query.tail)?;
    let ready = VecDeque::new();
    Ok(stream::unfold((reader, ready, told), next).boxed())
}

type Following = (Reader, VecDeque<LogLine>, Option<watch::Receiver<bool>>);

async fn next((mut reader, mut ready, mut told): Following) -> Option<(LogLine, Following)> {
    loop {
        if let Some(line) = ready.pop_front() {
            return Some((line, (reader, ready, told)));
        }
        let open = told.as_mut().is_some_and(|told| *told.borrow_and_update());
        if told.is_some() {
            // A log that cannot be read any more has no more lines; its service goes on.
            let _ = reader.look(None);
        }
        ready = reader.batch();
        if !ready.is_empty() {
            continue;
        }
        let told = told.as_mut().filter(|_| open)?;
        told.changed().await.ok()?;
    }
}

struct Reader {
    folder: PathBuf,
    services: Vec<ServiceName>,
    logs: BTreeMap<PathBuf, Log>,
}

impl Reader {
    fn new(home: &ProjectHome, query: &LogQuery) -> Self {
        Self {
            folder: home.logs(),
            services: query.services.clone(),
            logs: BTreeMap::new(),
        }
    }

    /// Opens what was not there at the last look; `tail` of the lines of each log, or all.
    fn look(&mut self, tail: Option<usize>) -> Result<(), RuntimeError> {
        for lane in entries(&self.folder)? {
            let logs: BTreeSet<PathBuf> = entries(&lane)?.iter().map(|path| log_of(path)).collect();
            for path in logs {
                if !self.wanted(&path) {
                    continue;
                }
                let looked = match self.logs.get_mut(&path) {
                    Some(log) => log.look(&path),
                    None => Log::open(&path, tail).map(|log| {
                        self.logs.insert(path.clone(), log);
                    }),
                };
                looked.map_err(records(&path))?;
            }
        }
        Ok(())
    }

    fn wanted(&self, log: &Path) -> bool {
        service_of(log).is_some_and(|service| {
            self.services.is_empty() || self.services.iter().any(|wanted| wanted == service)
        })
    }

    /// The next lines of all logs, by time.
    fn batch(&mut self) -> VecDeque<LogLine> {
        let mut batch = VecDeque::new();
        while batch.len() < BATCH {
            let oldest = self
                .logs
                .values_mut()
                .filter_map(|log| Some((log.peek()?.at_ms, log)))
                .min_by_key(|(at_ms, _)| *at_ms);
            let Some(line) = oldest.and_then(|(_, log)| log.peeked.take()) else {
                break;
            };
            batch.push_back(line);
        }
        batch
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, RuntimeError> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(records(folder)(e)),
    }
}

/// The lines of one replica: of the files that were put aside, then of the one being written.
struct Log {
    /// Never empty once something was there; the last may grow meanwhile.
    files: VecDeque<Opened>,
    /// A line whose end is not written yet.
    begun: Vec<u8>,
    peeked: Option<LogLine>,
}

struct Opened {
    file: BufReader<File>,
    /// By this it is known again under another name. It is nobody else's while the file is open.
    inode: u64,
}

impl Log {
    fn open(path: &Path, tail: Option<usize>) -> io::Result<Self> {
        let mut log = Self {
            files: VecDeque::new(),
            begun: Vec::new(),
            peeked: None,
        };
        log.look(path)?;
        if let Some(count) = tail {
            log.keep_last(count)?;
        }
        Ok(log)
    }

    /// Opens the files that came after those that are open.
    fn look(&mut self, path: &Path) -> io::Result<()> {
        let last = self.files.back().map(|opened| opened.inode);
        // The newest first: what is put aside from here on is found by the next look. It is not
        // there between being put aside and being made anew.
        let newest = Opened::open(path)?;
        let newest_inode = newest.as_ref().map(|newest| newest.inode);
        if last.is_some() && last == newest_inode {
            return Ok(());
        }
        let mut later = VecDeque::from_iter(newest);
        for (_, path) in put_aside(path)?.into_iter().rev() {
            let Some(aside) = Opened::open(&path)? else {
                continue;
            };
            if last == Some(aside.inode) {
                break;
            }
            if newest_inode != Some(aside.inode) {
                later.push_front(aside);
            }
        }
        self.files.extend(later);
        Ok(())
    }

    /// Leaves out all but the last `count` lines.
    fn keep_last(&mut self, mut count: usize) -> io::Result<()> {
        for index in (0..self.files.len()).rev() {
            let file = &mut self.files[index].file;
            let (start, found) = last_lines(file.get_mut(), count)?;
            file.seek(SeekFrom::Start(start))?;
            count -= found;
            if count == 0 {
                self.files.drain(..index);
                return Ok(());
            }
        }
        Ok(())
    }

    fn peek(&mut self) -> Option<&LogLine> {
        while self.peeked.is_none() {
            let opened = self.files.front_mut()?;
            opened.file.read_until(b'\n', &mut self.begun).ok()?;
            if self.begun.ends_with(b"\n") {
                // The header, and what a crash left half written, are no lines.
                self.peeked = serde_json::from_slice(&self.begun).ok();
                self.begun.clear();
            } else if self.files.len() > 1 {
                // It was put aside before the next one was found, so this is all of it.
                self.begun.clear();
                self.files.pop_front();
            } else {
                return None;
            }
        }
        self.peeked.as_ref()
    }
}

impl Opened {
    /// `None` when it is not there (any more).
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        Ok(Some(Self {
            inode: file.metadata()?.ino(),
            file: BufReader::new(file),
        }))
    }
}

/// Where the last `count` lines of a file begin, and how many lines are there; the header is none.
fn last_lines(file: &mut File, count: usize) -> io::Result<(u64, usize)> {
    const BLOCK: u64 = 64 * 1024;
    let mut at = file.seek(SeekFrom::End(0))?;
    let mut ends = 0;
    let mut block = Vec::new();
    while at > 0 {
        let from = at.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(from))?;
        block.clear();
        file.take(at - from).read_to_end(&mut block)?;
        for (index, _) in block
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'\n')
        {
            // The end of the last line is not the end of the one before it.
            if ends == count {
                return Ok((from + index as u64 + 1, count));
            }
            ends += 1;
        }
        at = from;
    }
    Ok((0, ends.saturating_sub(1)))
}

#[cfg(test)]
mod tests;
