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
use super::sign::{self, LEAF_DAYS, RENEW_DAYS};

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

    /// The certificate and its key as they stand there now, PEM; made first where there are none,
    /// or where those made here are about to end.
    ///
    /// # Errors
    /// When a file cannot be made or read.
    pub(crate) fn certificate(&self) -> Result<String, TlsError> {
        let path = self.path("gateway.pem");
        if let Some(text) = read(&path)?
            && !self.is_due(&text)
        {
            return Ok(text);
        }
        let _held = self.lock()?;
        // Another replica may have been here while this one waited.
        if let Some(text) = read(&path)?
            && !self.is_due(&text)
        {
            return Ok(text);
        }
        let ca_key = self.ca_key()?;
        let now = self.clock.now();
        let leaf = sign::leaf(&self.names, &ca_key, now)?;
        let ends = (now + TimeDelta::days(LEAF_DAYS)).to_rfc3339();
        let text = format!("{ENDS}{ends}\n{leaf}");
        self.replace("gateway.pem", &text, 0o600)?;
        tracing::info!(ends, "made a certificate");
        Ok(text)
    }

    /// The key of the CA, made with the CA where either is not there.
    fn ca_key(&self) -> Result<String, TlsError> {
        let (certificate, key) = (self.path("ca.pem"), self.path("ca-key.pem"));
        if let (Some(certificate), Some(key)) = (read(&certificate)?, read(&key)?)
            && certificate.contains(PEM)
            && key.contains(PEM)
        {
            return Ok(key);
        }
        let made = sign::ca(self.clock.now())?;
        // Its certificate last: once that is there, all of it is.
        self.replace("ca-key.pem", &made.key, 0o600)?;
        self.replace("ca.pem", &made.certificate, 0o644)?;
        tracing::info!(path = %certificate.display(), "made a CA");
        Ok(made.key)
    }

    /// Whether a certificate that was made here ends soon. One that somebody else put there is
    /// theirs to renew.
    fn is_due(&self, text: &str) -> bool {
        let ends = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix(ENDS))
            .and_then(|ends| DateTime::parse_from_rfc3339(ends).ok());
        ends.is_some_and(|ends| {
            let ends = ends.with_timezone(&Utc);
            self.clock.now() > ends - TimeDelta::days(RENEW_DAYS)
        })
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
        Err(source) => Err(failed("read", path, source)),
    }
}
