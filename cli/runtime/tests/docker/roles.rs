//! This very program as the service of the other tests: static, so that it runs in an empty image.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// The words that make this program a service, in the Compose file's form.
pub(crate) fn words(role: &str) -> String {
    let mut words = vec![
        program(),
        "--exact".to_owned(),
        "--nocapture".to_owned(),
        "roles::service".to_owned(),
    ];
    words.extend(role.split(' ').map(str::to_owned));
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(", ")
}

/// The name of this program.
pub(crate) fn program() -> String {
    let own = std::env::current_exe().unwrap();
    own.file_name().unwrap().to_str().unwrap().to_owned()
}

/// A service when it is given a role, and no test otherwise.
#[test]
fn service() {
    let words: Vec<String> = std::env::args().collect();
    let Some(at) = words.iter().position(|word| word == "roles::service") else {
        return;
    };
    let role: Vec<&str> = words[at + 1..].iter().map(String::as_str).collect();
    match role.as_slice() {
        ["serve", port] => serve(port),
        ["check", address] => {
            let found = TcpStream::connect(address);
            assert!(found.is_ok(), "{address}: {found:?}");
        }
        ["say", word] => {
            let said = format!("{word}\n");
            std::io::stdout().write_all(said.as_bytes()).unwrap();
        }
        ["fail"] => panic!("as asked"),
        ["write", path] => std::fs::write(path, "kept").unwrap(),
        ["read", path] => assert_eq!(std::fs::read_to_string(path).unwrap(), "kept"),
        ["holds", path, mode, uid, text] => {
            use std::os::unix::fs::MetadataExt as _;
            let seen = std::fs::metadata(path).unwrap();
            assert_eq!(format!("{:o}", seen.mode() & 0o7777), *mode);
            assert_eq!(seen.uid().to_string(), *uid);
            assert_eq!(std::fs::read_to_string(path).unwrap(), *text);
        }
        ["lacks", path] => assert!(!std::fs::exists(path).unwrap()),
        ["mounted", path, option] => {
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
            let mut mounts = mounts.lines().map(|line| line.split(' '));
            let mount = mounts.find(|mount| mount.clone().nth(1) == Some(path));
            let options = mount.unwrap().nth(3).unwrap();
            assert!(options.split(',').any(|it| it == *option), "{options}");
        }
        _ => {}
    }
}

/// Answers each line with the caller's address, for ever.
fn serve(port: &str) {
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
    std::io::stdout().write_all(b"listening\n").unwrap();
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        std::thread::spawn(move || {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let mut byte = [0];
            while stream.read_exact(&mut byte).is_ok() {
                if stream.write_all(&byte).is_err() {
                    break;
                }
            }
        });
    }
}
