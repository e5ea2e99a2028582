//! Reads log files, whether or not a supervisor runs: merged by time, from the last lines on if
//! asked, and on and on while somebody still writes.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use futures_util::stream::{self, BoxStream, StreamExt};
use msvc_system::id::ServiceName;
use tokio::sync::watch;

use super::home::{ProjectHome, records};
use crate::contract::{LogLine, LogQuery, RuntimeError};

/// Lines read ahead, over all files.
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
    files: BTreeMap<PathBuf, Lines>,
}

impl Reader {
    fn new(home: &ProjectHome, query: &LogQuery) -> Self {
        Self {
            folder: home.logs(),
            services: query.services.clone(),
            files: BTreeMap::new(),
        }
    }

    /// Opens the files that were not there at the last look; `tail` of their lines, or all.
    fn look(&mut self, tail: Option<usize>) -> Result<(), RuntimeError> {
        for lane in entries(&self.folder)? {
            for path in entries(&lane)? {
                if self.wanted(&path) && !self.files.contains_key(&path) {
                    let lines = Lines::open(&path, tail).map_err(records(&path))?;
                    self.files.insert(path, lines);
                }
            }
        }
        Ok(())
    }

    fn wanted(&self, path: &Path) -> bool {
        let service = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".ndjson")?.rsplit_once('-'));
        service.is_some_and(|(service, _)| {
            self.services.is_empty() || self.services.iter().any(|wanted| wanted == service)
        })
    }

    /// The next lines of all files, by time.
    fn batch(&mut self) -> VecDeque<LogLine> {
        let mut batch = VecDeque::new();
        while batch.len() < BATCH {
            let oldest = self
                .files
                .values_mut()
                .filter_map(|lines| Some((lines.peek()?.at_ms, lines)))
                .min_by_key(|(at_ms, _)| *at_ms);
            let Some(line) = oldest.and_then(|(_, lines)| lines.peeked.take()) else {
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

/// The lines of one file, which may grow meanwhile.
struct Lines {
    file: BufReader<File>,
    /// A line whose end is not written yet.
    begun: Vec<u8>,
    peeked: Option<LogLine>,
}

impl Lines {
    fn open(path: &Path, tail: Option<usize>) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let start = match tail {
            Some(count) => start_of_last(&mut file, count)?,
            None => 0,
        };
        file.seek(SeekFrom::Start(start))?;
        Ok(Self {
            file: BufReader::new(file),
            begun: Vec::new(),
            peeked: None,
        })
    }

    fn peek(&mut self) -> Option<&LogLine> {
        while self.peeked.is_none() {
            self.file.read_until(b'\n', &mut self.begun).ok()?;
            if !self.begun.ends_with(b"\n") {
                return None;
            }
            // The header, and what a crash left half written, are no lines.
            self.peeked = serde_json::from_slice(&self.begun).ok();
            self.begun.clear();
        }
        self.peeked.as_ref()
    }
}

/// Where the last `count` lines of a file begin.
fn start_of_last(file: &mut File, count: usize) -> io::Result<u64> {
    const BLOCK: u64 = 64 * 1024;
    let mut at = file.seek(SeekFrom::End(0))?;
    // The end of the last line is not the end of the one before it.
    let mut ends_to_pass = count + 1;
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
            ends_to_pass -= 1;
            if ends_to_pass == 0 {
                return Ok(from + index as u64 + 1);
            }
        }
        at = from;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use msvc_machine::clock::MachineClock;
    use msvc_report::event::Stream;
    use msvc_system::id::InstanceId;

    use super::super::logs::Logs;
    use super::*;

    fn id(service: &str) -> InstanceId {
        InstanceId {
            project: "shop".parse().unwrap(),
            lane: "main".parse().unwrap(),
            service: service.parse().unwrap(),
            replica: 1,
            incarnation: 1,
        }
    }

    fn home(folder: &Path) -> ProjectHome {
        ProjectHome::new(folder, "shop".parse().unwrap(), None).unwrap()
    }

    async fn write(logs: &Logs, service: &str, text: &str) {
        let writer = logs.open(&id(service)).unwrap();
        writer.drain(text.as_bytes(), Stream::Stdout).await;
    }

    async fn texts(stream: BoxStream<'static, LogLine>) -> Vec<String> {
        stream.map(|line| line.text).collect().await
    }

    #[tokio::test]
    async fn lines_are_merged_filtered_and_cut_to_the_tail() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let logs = Logs::new(home.clone(), Arc::new(MachineClock));
        write(&logs, "a", "1\n2\n3\n").await;
        write(&logs, "a-1", "4\n5\n").await;
        let ask = |services: &[&str], tail| LogQuery {
            services: services.iter().map(|name| name.parse().unwrap()).collect(),
            follow: false,
            tail,
        };
        let read = |query| texts(read_logs(&home, &query).unwrap());
        let mut all = read(ask(&[], None)).await;
        // Lines of one millisecond may come in either order of their files.
        all.sort_unstable();
        assert_eq!(all, ["1", "2", "3", "4", "5"]);
        assert_eq!(read(ask(&["a"], Some(2))).await, ["2", "3"]);
        assert_eq!(read(ask(&["a-1"], Some(9))).await, ["4", "5"]);
        assert!(read(ask(&["a"], Some(0))).await.is_empty());
        assert_eq!(logs.last_lines(&id("a"), 2), ["2", "3"]);
    }

    #[tokio::test]
    async fn a_follower_sees_files_that_come_later_and_ends_with_the_logs() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let logs = Logs::new(home.clone(), Arc::new(MachineClock));
        write(&logs, "a", "old\n").await;
        let query = LogQuery {
            services: Vec::new(),
            follow: true,
            tail: Some(0),
        };
        let mut follower = lines(&home, &query, Some(logs.subscribe())).unwrap();
        write(&logs, "b", "new\n").await;
        assert_eq!(follower.next().await.unwrap().text, "new");
        write(&logs, "a", "last").await;
        logs.close();
        assert_eq!(texts(follower).await, ["last"]);
    }

    #[tokio::test]
    async fn no_supervisor_and_no_logs_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let lines = read_logs(&home(folder.path()), &LogQuery::default()).unwrap();
        assert!(texts(lines).await.is_empty());
    }
}
