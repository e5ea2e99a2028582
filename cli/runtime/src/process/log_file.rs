//! The log of one replica on the disk: a file that is put aside when it is full, and the last few
//! of those put aside. Whatever a service writes, its log takes [`FULL`] bytes for each of them
//! at most.
//!
//! `<service>-<replica>.ndjson` is the one being written; those put aside have a number behind
//! that name, which only ever grows, so that whoever reads one is never led astray by a renaming.
//! In: whole lines as bytes. It knows nothing of what stands in them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The first line of every log file.
const HEADER: &str = "{\"schema\":\"msvc.log/1\"}\n";

/// A file of so many bytes is put aside: ten thousand lines and more, and still quickly searched.
pub(super) const FULL: u64 = 10 * 1024 * 1024;

/// So many files that were put aside are kept: with the one being written five, as many as
/// Docker's own `local` logs keep.
const ASIDE: usize = 4;

/// Every file name of a log ends so, before the number of one that was put aside.
const SUFFIX: &str = ".ndjson";

/// The log that one replica's starts share.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    full: u64,
}

impl LogFile {
    /// Opens the log at `path` for more lines; a file of `full` bytes is put aside.
    pub(super) fn open(path: &Path, full: u64) -> io::Result<Self> {
        let (file, size) = open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            full,
        })
    }

    /// Appends whole lines. No line is ever cut: one that is longer than a file gets one alone.
    pub(super) fn append(&mut self, mut lines: &[u8]) -> io::Result<()> {
        while !lines.is_empty() {
            let room = usize::try_from(self.full.saturating_sub(self.size)).unwrap_or(usize::MAX);
            let fitting = lines.get(..room).map_or(Some(lines.len()), after_last_line);
            let cut = match fitting {
                Some(cut) => cut,
                None if self.size > HEADER.len() as u64 => {
                    self.put_aside()?;
                    continue;
                }
                None => after_first_line(lines),
            };
            self.file.write_all(&lines[..cut])?;
            self.size += cut as u64;
            lines = &lines[cut..];
        }
        Ok(())
    }

    fn put_aside(&mut self) -> io::Result<()> {
        let earlier = put_aside(&self.path)?;
        let number = earlier.last().map_or(1, |(number, _)| number + 1);
        // Removed first: a full disk may have room for the new file only then.
        let surplus = (earlier.len() + 1).saturating_sub(ASIDE);
        for (_, path) in earlier.iter().take(surplus) {
            remove(path)?;
        }
        match fs::rename(&self.path, numbered(&self.path, number)) {
            // The user removed it: then there is nothing to put aside.
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        (self.file, self.size) = open(&self.path)?;
        Ok(())
    }
}

fn after_last_line(bytes: &[u8]) -> Option<usize> {
    bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map(|at| at + 1)
}

fn after_first_line(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|&byte| byte == b'\n');
    end.map_or(bytes.len(), |at| at + 1)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Opens a file to append to; with its size.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .open(path)?;
    let mut size = file.seek(SeekFrom::End(0))?;
    if size == 0 {
        file.write_all(HEADER.as_bytes())?;
        return Ok((file, HEADER.len() as u64));
    }
    // A line that a crash left half written must not swallow the next one.
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        file.write_all(b"\n")?;
        size += 1;
    }
    Ok((file, size))
}

/// The file that was put aside as the `number`th.
fn numbered(path: &Path, number: u64) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// The files of the log at `path` that were put aside, with their numbers; the oldest first.
pub(super) fn put_aside(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let other = entry.file_name();
        let rest = other.to_str().and_then(|other| other.strip_prefix(name));
        let number = rest.and_then(|rest| rest.strip_prefix('.')?.parse().ok());
        if let Some(number) = number {
            found.push((number, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The log that a file belongs to: itself, or the one that it was put aside from.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let number = path.extension().and_then(|number| number.to_str());
    let aside = number.is_some_and(|number| number.parse::<u64>().is_ok());
    let log = path.with_extension("");
    if aside && service_of(&log).is_some() {
        log
    } else {
        path.to_owned()
    }
}

/// The service whose log it is; `None` for what is no log.
pub(super) fn service_of(log: &Path) -> Option<&str> {
    let name = log.file_name()?.to_str()?;
    let (service, _) = name.strip_suffix(SUFFIX)?.rsplit_once('-')?;
    Some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(folder: &Path) -> Vec<(String, u64)> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut all: Vec<_> = entries
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, entry.metadata().unwrap().len())
            })
            .collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn however_much_is_written_the_newest_files_stay_and_none_is_above_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a-1.ndjson");
        let mut log = LogFile::open(&path, 200).unwrap();
        for number in 0..1000 {
            log.append(format!("{number:050}\n").as_bytes()).unwrap();
        }
        let all = sizes(folder.path());
        assert_eq!(all.len(), ASIDE + 1, "{all:?}");
        assert!(all.iter().all(|(_, size)| *size <= 200), "{all:?}");
        let last = fs::read_to_string(&path).unwrap();
        assert!(
            last.starts_with(HEADER) && last.ends_with("0999\n"),
            "{last}"
        );
        let numbers: Vec<u64> = put_aside(&path).unwrap().iter().map(|(n, _)| *n).collect();
        assert_eq!(numbers, [330, 331, 332, 333]);
    }

    #[test]
    fn a_log_opened_again_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a-1.ndjson");
        for _ in 0..3 {
            let mut log = LogFile::open(&path, 60).unwrap();
            log.append(b"0123456789012345678\n").unwrap();
        }
        assert_eq!(put_aside(&path).unwrap().len(), 2);
        assert_eq!(fs::metadata(&path).unwrap().len(), 44);
    }

    #[test]
    fn a_line_longer_than_a_file_has_one_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a-1.ndjson");
        let mut log = LogFile::open(&path, 30).unwrap();
        let long = format!("{}\nnext\n", "x".repeat(100));
        log.append(long.as_bytes()).unwrap();
        let aside = put_aside(&path).unwrap();
        assert_eq!(aside.len(), 1);
        let first = fs::read_to_string(&aside[0].1).unwrap();
        assert_eq!(first, format!("{HEADER}{}\n", "x".repeat(100)));
    }

    #[test]
    fn who_removes_a_log_gets_a_new_one_and_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a-1.ndjson");
        let mut log = LogFile::open(&path, 60).unwrap();
        log.append(b"before, which is removed\n").unwrap();
        fs::remove_file(&path).unwrap();
        log.append(b"after it was removed by somebody\n").unwrap();
        assert!(fs::read_to_string(&path).unwrap().ends_with("somebody\n"));
    }

    #[test]
    fn services_may_have_any_name_and_files_put_aside_are_no_logs_of_their_own() {
        let service = |name: &str| service_of(&log_of(Path::new(name))).map(str::to_owned);
        assert_eq!(service("a-1.ndjson").as_deref(), Some("a"));
        assert_eq!(service("a-1.ndjson.3").as_deref(), Some("a"));
        assert_eq!(
            service("a.ndjson.3-1-2.ndjson").as_deref(),
            Some("a.ndjson.3-1")
        );
        assert_eq!(service("a-1.ndjson.old"), None);
        assert_eq!(service("notes.3"), None);
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a-1.ndjson.7",
            "a-11.ndjson.8",
            "a-1.ndjson.x",
            "a-1.ndjson",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = put_aside(&folder.path().join("a-1.ndjson")).unwrap();
        assert_eq!(found, [(7, folder.path().join("a-1.ndjson.7"))]);
    }
}
