//! A build context as a stream: its folder without what `.dockerignore` names.

use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::ignore::Ignore;
use crate::docker::engine::EngineError;

mod state;
mod walk;

/// Bytes handed on at once.
const CHUNK: usize = 256 * 1024;
/// Chunks that wait for the engine.
const WAITING: usize = 8;

/// What is sent: a folder, and a Dockerfile where it lies outside of it.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) folder: PathBuf,
    /// Under which name the engine finds the Dockerfile.
    pub(super) dockerfile: String,
    /// Its text, where it is sent beside the folder.
    pub(super) beside: Option<String>,
}

impl Context {
    /// The context in `folder`, whose Dockerfile is at `dockerfile`, absolute or from there.
    pub(super) fn of(
        folder: &Path,
        dockerfile: &Path,
        inline: Option<String>,
    ) -> Result<Self, EngineError> {
        let broken = |path: &Path, why: &str| EngineError::File {
            path: path.to_owned(),
            why: why.to_owned(),
        };
        if !folder.is_dir() {
            return Err(broken(folder, "this build context is no folder"));
        }
        let outside = |text: String| Self {
            folder: folder.to_owned(),
            dockerfile: ".msvc.Dockerfile".to_owned(),
            beside: Some(text),
        };
        if let Some(text) = inline {
            return Ok(outside(text));
        }
        let path = folder.join(dockerfile);
        if !path.is_file() {
            return Err(broken(&path, "there is no such Dockerfile"));
        }
        match path.strip_prefix(folder) {
            Ok(inside) if !inside.starts_with("..") => Ok(Self {
                folder: folder.to_owned(),
                dockerfile: inside.to_string_lossy().into_owned(),
                beside: None,
            }),
            _ => {
                let text = fs::read_to_string(&path).map_err(|why| broken(&path, &why.to_string()));
                Ok(outside(text?))
            }
        }
    }

    /// Sends it, chunk by chunk. A file that cannot be read ends the stream; the sender's task
    /// tells which.
    pub(super) fn send(
        self,
    ) -> (
        mpsc::Receiver<Bytes>,
        tokio::task::JoinHandle<Result<(), EngineError>>,
    ) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let sending = tokio::task::spawn_blocking(move || self.write(sender));
        (receiver, sending)
    }

    fn ignore(&self) -> Result<Ignore, EngineError> {
        let own = self
            .folder
            .join(format!("{}.dockerignore", self.dockerfile));
        let path = match own.is_file() {
            true => own,
            false => self.folder.join(".dockerignore"),
        };
        let told = |why: String| EngineError::File {
            path: path.clone(),
            why,
        };
        match fs::read_to_string(&path) {
            Ok(text) => Ignore::read(&text).map_err(told),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(Ignore::default()),
            Err(why) => Err(told(why.to_string())),
        }
    }

    fn write(self, sender: mpsc::Sender<Bytes>) -> Result<(), EngineError> {
        let ignore = self.ignore()?;
        let mut tar = tar::Builder::new(Chunks::to(sender));
        tar.follow_symlinks(false);
        let mut writing = Writing {
            context: &self,
            tar: &mut tar,
        };
        self.walk(&ignore, &mut |path, name, metadata| {
            writing.append(path, name, metadata)
        })?;
        if let Some(text) = &self.beside {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, &self.dockerfile, text.as_bytes())
                .map_err(|why| self.told(&self.folder, &why))?;
        }
        tar.into_inner()
            .and_then(|mut chunks| chunks.flush())
            .map_err(|why| self.told(&self.folder, &why))
    }

    fn told(&self, path: &Path, why: &io::Error) -> EngineError {
        EngineError::File {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }
}

struct Writing<'a> {
    context: &'a Context,
    tar: &'a mut tar::Builder<Chunks>,
}

impl Writing<'_> {
    fn append(&mut self, path: &Path, name: &str, metadata: &Metadata) -> Result<(), EngineError> {
        let kind = metadata.file_type();
        if kind.is_socket() || kind.is_fifo() || kind.is_block_device() || kind.is_char_device() {
            let what = if kind.is_socket() {
                "a socket"
            } else {
                "a device or pipe"
            };
            return Err(EngineError::File {
                path: path.to_owned(),
                why: format!(
                    "{what} cannot be sent to the engine with the build context {}; name it in .dockerignore",
                    self.context.folder.display()
                ),
            });
        }
        let mut header = tar::Header::new_gnu();
        header.set_mode(metadata.mode() & 0o7777);
        header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or_default());
        let appended = if kind.is_dir() {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(0);
            self.tar
                .append_data(&mut header, format!("{name}/"), io::empty())
        } else if kind.is_symlink() {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            fs::read_link(path).and_then(|to| self.tar.append_link(&mut header, name, to))
        } else {
            header.set_size(metadata.len());
            // A file that grows meanwhile must not break the archive.
            fs::File::open(path).and_then(|file| {
                let file = io::Read::take(file, metadata.len());
                self.tar.append_data(&mut header, name, file)
            })
        };
        appended.map_err(|why| self.context.told(path, &why))
    }
}

/// Hands on what is written, in chunks.
struct Chunks {
    sender: mpsc::Sender<Bytes>,
    buffer: Vec<u8>,
}

impl Chunks {
    fn to(sender: mpsc::Sender<Bytes>) -> Self {
        Self {
            sender,
            buffer: Vec::with_capacity(CHUNK),
        }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.sender
            .blocking_send(Bytes::from(chunk))
            .map_err(|_| io::Error::other("the engine stopped reading"))
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.hand_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.buffer.is_empty() {
            true => Ok(()),
            false => self.hand_on(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path, dockerfile: &str) -> Result<Vec<String>, EngineError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let context = Context::of(folder, Path::new(dockerfile), None)?;
            let (mut chunks, sending) = context.send();
            let mut all = Vec::new();
            while let Some(chunk) = chunks.recv().await {
                all.extend_from_slice(&chunk);
            }
            sending.await.unwrap()?;
            let mut tar = tar::Archive::new(all.as_slice());
            let paths = tar.entries().unwrap().map(|entry| {
                let entry = entry.unwrap();
                entry.path().unwrap().display().to_string()
            });
            Ok(paths.collect())
        })
    }

    #[test]
    fn what_the_ignore_file_names_stays_out_and_what_it_takes_back_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["src", "target/debug", "docs"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for name in [
            "Dockerfile",
            "src/main.rs",
            "target/debug/x",
            "docs/a",
            "docs/keep",
        ] {
            fs::write(at(name), "x").unwrap();
        }
        fs::write(
            at(".dockerignore"),
            "target\ndocs\n!docs/keep\nDockerfile\n",
        )
        .unwrap();
        let names = names(folder.path(), "Dockerfile").unwrap();
        assert_eq!(
            names,
            [
                ".dockerignore",
                "Dockerfile",
                "docs/keep",
                "src/",
                "src/main.rs"
            ]
        );
    }

    #[test]
    fn a_socket_is_named_unless_it_stays_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Dockerfile"), "FROM scratch").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s")).unwrap();
        let told = names(folder.path(), "Dockerfile").unwrap_err().to_string();
        assert!(told.contains("/s: a socket cannot be sent"), "{told}");
        fs::write(folder.path().join(".dockerignore"), "s").unwrap();
        assert!(names(folder.path(), "Dockerfile").is_ok());
        let told = names(folder.path(), "Other").unwrap_err().to_string();
        assert!(told.contains("no such Dockerfile"), "{told}");
    }
}
