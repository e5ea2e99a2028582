//! The folder: `ca.pem` for whoever wants to trust the shop, `ca-key.pem`, and `gateway.pem` with
//! the certificate and its key. Each is replaced in one step, so whoever reads sees a whole file;
//! whoever makes something holds the lock `lock`, so replicas that start together make one CA.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use shop::clock::Clock;

use super::TlsError;
use super::sign::{self, CA_DAYS, LEAF_DAYS, RENEW_CA_DAYS, RENEW_DAYS};
use super::vouch::{is_key, is_of, is_same, vouches};

/// The line before a certificate that was made here, with when it ends. Readers of PEM skip it.
const ENDS: &str = "# made by the gateway, ends ";

/// What every CA file begins with.
const PEM: &str = "-----BEGIN ";

/// The folder `tls` below the gateway's data.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    folder: PathBuf,
    names: Vec<String>,
    clock: Clock,
}

impl Files {
    /// The folder below `data_dir`; certificates are for `names`.
    pub(crate) fn new(data_dir: &Path, names: Vec<String>, clock: Clock) -> Self {
        Self {
            folder: data_dir.join("tls"),
            names,
            clock,
        }
    }

    /// The certificate and its key as they stand there now, PEM. What is not there is made first, as
    /// is what was made here and is about to end or does not go with the rest: certificate, CA or
    /// both.
    ///
    /// # Errors
    /// When a file cannot be made or read.
    pub(crate) fn certificate(&self) -> Result<String, TlsError> {
        if let Some(text) = self.standing()? {
            return Ok(text);
        }
        let _held = self.lock()?;
        // Another replica may have been here while this one waited.
        if let Some(text) = self.standing()? {
            return Ok(text);
        }
        let key = self.ca()?;
        // The CA's file alone may have been what was missing.
        if let Some(text) = self.standing()? {
            return Ok(text);
        }
        let now = self.clock.now();
        let leaf = sign::leaf(&self.names, &key, now)?;
        let ends = ends(now, LEAF_DAYS);
        let text = format!("{ENDS}{ends}\n{leaf}");
        self.replace("gateway.pem", &text, 0o600)?;
        tracing::info!(ends, "made a certificate");
        Ok(text)
    }

    /// The certificate, where nothing is to be made.
    fn standing(&self) -> Result<Option<String>, TlsError> {
        let Some(text) = self.leaf()? else {
            return Ok(None);
        };
        // One that somebody else put there has a CA of their own.
        if end(&text).is_none() {
            return Ok(Some(text));
        }
        let (Some(ca), Some(key)) = (self.ca_certificate()?, self.ca_key()?) else {
            return Ok(None);
        };
        let good = is_of(&ca, &key) && vouches(&ca, &text, &self.names, self.clock.now());
        Ok(good.then_some(text))
    }

    /// The certificate, where there is one that does not end soon. One that somebody else put there
    /// is theirs to renew.
    fn leaf(&self) -> Result<Option<String>, TlsError> {
        let text = read(&self.path("gateway.pem"))?;
        Ok(text.filter(|text| !self.ends_within(text, RENEW_DAYS)))
    }

    /// The CA's certificate, where there is one that does not end soon.
    fn ca_certificate(&self) -> Result<Option<String>, TlsError> {
        let text = read(&self.path("ca.pem"))?;
        let good = |text: &String| text.contains(PEM) && !self.ends_within(text, RENEW_CA_DAYS);
        Ok(text.filter(good))
    }

    /// The CA's key, where there is one that can be read.
    fn ca_key(&self) -> Result<Option<String>, TlsError> {
        let text = read(&self.path("ca-key.pem"))?;
        Ok(text.filter(|text| is_key(text)))
    }

    /// The CA's key; the CA is made where it is not whole. Where the certificate alone was lost, it
    /// is made again for the same key, so that whoever trusts it goes on doing so. It is lost also
    /// where it is of another key: whoever made the key anew did not come to the certificate.
    fn ca(&self) -> Result<String, TlsError> {
        let (path, now) = (self.path("ca.pem"), self.clock.now());
        let key = self.ca_key()?;
        // One that somebody put there, whose name is another, vouches for nothing that is signed here.
        let made = key.as_ref().map(|key| sign::ca_of(key, now)).transpose()?;
        let of_key = |ca: &String| made.as_ref().is_some_and(|made| is_same(ca, made));
        if let (Some(_), Some(key)) = (self.ca_certificate()?.filter(of_key), &key) {
            return Ok(key.clone());
        }
        let lost = read(&path)?.is_none_or(|text| !text.contains(PEM) || !of_key(&text));
        let again = key.zip(made).filter(|_| lost);
        let same_key = again.is_some();
        let (key, certificate) = if let Some(again) = again {
            again
        } else {
            let made = sign::ca(now)?;
            self.replace("ca-key.pem", &made.key, 0o600)?;
            (made.key, made.certificate)
        };
        // The certificate last: once that is there, all of it is.
        let ends = ends(now, CA_DAYS);
        let certificate = format!("{ENDS}{ends}\n{certificate}");
        self.replace("ca.pem", &certificate, 0o644)?;
        tracing::info!(path = %path.display(), ends, same_key, "made a CA");
        Ok(key)
    }

    /// Whether what was made here ends within so many days.
    fn ends_within(&self, text: &str, days: i64) -> bool {
        end(text).is_some_and(|end| self.clock.now() > end - TimeDelta::days(days))
    }

    /// Waits until no other replica makes anything, until the answer is dropped.
    fn lock(&self) -> Result<File, TlsError> {
        let made = |source| failed("make", &self.folder, source);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&self.folder)
            .map_err(made)?;
        let path = self.path("lock");
        let locked = |source| failed("lock", &path, source);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(locked)?;
        file.lock().map_err(locked)?;
        Ok(file)
    }

    /// Puts `text` in place of the file `name`, whole or not at all.
    fn replace(&self, name: &str, text: &str, mode: u32) -> Result<(), TlsError> {
        let path = self.path(name);
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new()
                .permissions(fs::Permissions::from_mode(mode))
                .tempfile_in(&self.folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| failed("write", &path, source))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// When something ends that holds for so many days from `now`.
fn ends(now: DateTime<Utc>, days: i64) -> String {
    (now + TimeDelta::days(days)).to_rfc3339()
}

/// When what was made here ends; `None` of what was made elsewhere.
fn end(text: &str) -> Option<DateTime<Utc>> {
    let ends = text.lines().next()?.strip_prefix(ENDS)?;
    Some(DateTime::parse_from_rfc3339(ends).ok()?.to_utc())
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> TlsError {
    TlsError::File {
        doing,
        path: path.display().to_string(),
        source,
    }
}

/// The text of the file at `path`, where there is one.
fn read(path: &Path) -> Result<Option<String>, TlsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // No PEM is that, and whoever looks for one finds none.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(String::new())),
        Err(source) => Err(failed("read", path, source)),
    }
}
