//! Something between msvc and the engine that the tests share: it passes all on, but for what a test
//! says, which gets an answer of the test's own or none.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What happens to some requests.
#[derive(Debug, Clone)]
pub enum Instead {
    /// They are never answered.
    Silence,
    /// They are refused with 500 and these words.
    Refusal(String),
    /// So many are refused with this status and these words, and those after them are passed on.
    Refusals(u32, u16, String),
}

type Rule = Option<(String, String, Instead)>;

/// An engine's socket of the test's own.
pub struct Proxy {
    folder: tempfile::TempDir,
    rule: Arc<Mutex<Rule>>,
}

impl Proxy {
    /// One that passes all on to the engine at a socket.
    pub fn of(engine: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("engine.sock")).unwrap();
        let rule: Arc<Mutex<Rule>> = Arc::default();
        let (known, engine) = (Arc::clone(&rule), engine.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (known, engine) = (Arc::clone(&known), engine.clone());
                // A connection ends when it does, whatever of it went wrong.
                std::thread::spawn(move || drop(pass(stream, &known, &engine)));
            }
        });
        Self { folder, rule }
    }

    /// `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    /// From now on requests of this method whose path ends so are treated otherwise.
    pub fn treat(&self, method: &str, end: &str, instead: Instead) {
        *self.rule.lock().unwrap() = Some((method.to_owned(), end.to_owned(), instead));
    }

    /// From now on all is passed on.
    pub fn let_be(&self) {
        *self.rule.lock().unwrap() = None;
    }
}

/// What happens to a request in place of being passed on; a refusal of several is one of them.
fn instead(rule: &mut Rule, method: &str, path: &str) -> Option<Instead> {
    let (of, end, instead) = rule.as_mut()?;
    if of != method || !path.ends_with(end.as_str()) {
        return None;
    }
    if let Instead::Refusals(left, ..) = instead {
        *left = left.checked_sub(1)?;
    }
    Some(instead.clone())
}

fn refuse(from: &mut UnixStream, status: u16, why: &str) -> std::io::Result<()> {
    let body = format!(r#"{{"message":"{why}"}}"#);
    let length = body.len();
    let kind = "Content-Type: application/json\r\nConnection: close";
    let head = format!("HTTP/1.1 {status} X\r\n{kind}\r\nContent-Length: {length}\r\n\r\n");
    from.write_all(format!("{head}{body}").as_bytes())
}

/// One request; its answer is the last of its connection.
fn pass(mut from: UnixStream, rule: &Mutex<Rule>, engine: &Path) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        from.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut words = text.split([' ', '?']);
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let instead = instead(&mut rule.lock().unwrap(), method, path);
    match instead {
        Some(Instead::Silence) => {
            // Until whoever asked hangs up.
            let _ = std::io::copy(&mut from, &mut std::io::sink());
            return Ok(());
        }
        Some(Instead::Refusal(why)) => return refuse(&mut from, 500, &why),
        Some(Instead::Refusals(_, status, why)) => return refuse(&mut from, status, &why),
        None => {}
    }
    let mut to = UnixStream::connect(engine)?;
    let mut head = text;
    if !head.to_lowercase().contains("\r\nupgrade:") {
        head.truncate(head.len() - 2);
        head.push_str("Connection: close\r\n\r\n");
    }
    to.write_all(head.as_bytes())?;
    let (mut asked, mut sent) = (from.try_clone()?, to.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut asked, &mut sent);
        let _ = sent.shutdown(std::net::Shutdown::Write);
    });
    std::io::copy(&mut to, &mut from)?;
    from.shutdown(std::net::Shutdown::Both)
}
