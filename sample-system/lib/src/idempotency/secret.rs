//! What tells one request from another where it has something that must not be kept, a card's
//! number: a digest that nobody can try numbers against without a secret. The secret is a file beside
//! the database, so that a copy of the database alone tells nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ring::hmac;

use crate::draw::Draw;

/// The file in a service's data folder.
const FILE: &str = "requests.key";

/// Its bytes: as many as the digest has.
const LENGTH: usize = 32;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be made or read.
    #[error("cannot keep a secret in {path}: {source}; set DATA_DIR to a writable folder")]
    File {
        /// The file.
        path: String,
        /// What the machine said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{path} is no secret: remove it, and a new one is made; repeats of what came before are 422 then"
    )]
    Content {
        /// The file.
        path: String,
    },
}

/// A secret that digests of requests are made with.
#[derive(Debug, Clone)]
pub struct Secret(hmac::Key);

impl Secret {
    /// The secret kept in `folder`; where there is none, one of `draw`'s is made, by one of those
    /// who look at once.
    ///
    /// # Errors
    /// When the file cannot be made or read, or holds something else.
    pub fn kept_in(folder: &Path, draw: &Draw) -> Result<Self, SecretError> {
        let path = folder.join(FILE);
        let shown = || path.display().to_string();
        let file = |source| SecretError::File {
            path: shown(),
            source,
        };
        let found = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(folder, &path, draw).map_err(file)?;
                fs::read(&path)
            }
            found => found,
        };
        let bytes = found.map_err(file)?;
        let bytes = bytes.try_into();
        bytes
            .map(|bytes| Self::of(&bytes))
            .map_err(|_| SecretError::Content { path: shown() })
    }

    /// The secret that is `bytes`.
    pub fn of(bytes: &[u8; LENGTH]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// What tells `request`, all of it, from another.
    pub fn hash(&self, request: &serde_json::Value) -> String {
        let tag = hmac::sign(&self.0, request.to_string().as_bytes());
        let bytes = tag.as_ref().iter();
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Makes the file whole under another name and gives it its own, unless it is there by then.
fn make(folder: &Path, path: &Path, draw: &Draw) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let bytes: Vec<u8> = std::iter::repeat_with(|| draw.number().to_be_bytes())
        .take(LENGTH / 8)
        .flatten()
        .collect();
    let draft = folder.join(format!("{FILE}.{:016x}", draw.number()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let made = file
        .write_all(&bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match made {
        // Another replica was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(folder)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_stays_and_another_folders_is_another() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let kept = |folder: &Path| Secret::kept_in(folder, &Draw::system()).unwrap();
        let request = json!(["4242424242424242"]);
        let first = kept(one.path()).hash(&request);
        assert_eq!(kept(one.path()).hash(&request), first);
        assert_ne!(kept(one.path()).hash(&json!(["4000000000004242"])), first);
        assert_ne!(kept(other.path()).hash(&request), first);
        let names = fs::read_dir(one.path()).unwrap();
        let names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
        assert_eq!(names, [FILE]);
    }

    #[test]
    fn replicas_that_start_at_once_have_one_secret() {
        let folder = tempfile::tempdir().unwrap();
        let kept = || Secret::kept_in(folder.path(), &Draw::system()).unwrap();
        let hashes: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(kept)).collect();
            all.into_iter()
                .map(|it| it.join().unwrap().hash(&json!(1)))
                .collect()
        });
        assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    }

    #[test]
    fn a_file_that_is_no_secret_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "short").unwrap();
        let error = Secret::kept_in(folder.path(), &Draw::system()).unwrap_err();
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
