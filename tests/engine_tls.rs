//! An engine that is reached over TLS: both sides prove who they are.
//!
//! Needs a container engine at its usual socket, and `openssl` and `python3`, which put TLS before
//! it.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

mod support;

use support::{System, finish, skipped};

const SOCKET: &str = "/var/run/docker.sock";

/// Makes an authority, and a key that it vouches for, for this host and for its caller.
const CERTIFICATES: &str = "set -e
openssl req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out ca.pem -days 2 \
    -subj /CN=authority -addext basicConstraints=critical,CA:TRUE
printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' >usage
openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request -subj /CN=both
openssl x509 -req -in request -CA ca.pem -CAkey authority.key -CAcreateserial -days 2 \
    -extfile usage -out cert.pem
";

/// TLS before the engine's socket; its port is the first line it writes.
const TERMINATOR: &str = "
import asyncio, ssl
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain('cert.pem', 'key.pem')
tls.load_verify_locations('ca.pem')
tls.verify_mode = ssl.CERT_REQUIRED
async def pump(read, write):
    try:
        while data := await read.read(65536):
            write.write(data)
            await write.drain()
    except OSError:
        pass
    write.close()
async def serve(read, write):
    engine_read, engine_write = await asyncio.open_unix_connection('/var/run/docker.sock')
    await asyncio.gather(pump(read, engine_write), pump(engine_read, write))
async def main():
    server = await asyncio.start_server(serve, '127.0.0.1', 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
";

struct Terminator {
    child: Child,
    port: u16,
}

impl Drop for Terminator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn terminator(folder: &Path) -> Terminator {
    let mut certificates = Command::new("sh");
    certificates.args(["-c", CERTIFICATES]).current_dir(folder);
    finish(certificates).expect(0);
    let mut child = Command::new("python3")
        .args(["-c", TERMINATOR])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut line).unwrap();
    let port = line.trim().parse().unwrap();
    Terminator { child, port }
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("version").output();
    found.is_ok()
}

#[test]
fn a_system_runs_in_an_engine_that_is_reached_over_tls() {
    let there = UnixStream::connect(SOCKET).is_ok() && is_there("openssl") && is_there("python3");
    if !there {
        skipped("a container engine at /var/run/docker.sock, openssl and python3");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tls = terminator(folder.path());
    let node = |role: &str| {
        format!(
            "{{build: ., restart: always, stop_signal: SIGKILL, expose: [8080], command: [node, --exact, --nocapture, service, {role}]}}"
        )
    };
    let system = System::compose(&format!(
        "services:\n  caller: {}\n  callee: {}\n",
        node("caller"),
        node("callee")
    ))
    .with_variable("MSVC_RUNTIME", "docker")
    .with_variable("DOCKER_HOST", &format!("tcp://127.0.0.1:{}", tls.port))
    .with_variable("DOCKER_CERT_PATH", &folder.path().display().to_string())
    .with_variable("DOCKER_TLS_VERIFY", "1");
    std::fs::copy(
        std::env::current_exe().unwrap(),
        system.directory.join("node"),
    )
    .unwrap();
    let dockerfile = "FROM scratch\nCOPY node /bin/node\nENV PATH=/bin\n";
    std::fs::write(system.directory.join("Dockerfile"), dockerfile).unwrap();
    system.up();
    let edges = system.ps()["edges"].to_string();
    assert!(edges.contains("caller->callee:8080"), "{edges}");
    let logs = system.run(&["logs", "callee"]).expect(0);
    assert!(logs.stdout.contains("here is callee"), "{}", logs.stdout);
    // Its keeper, a process of its own, reaches the engine the same way.
    let killed = ["chaos", "kill", "callee", "--down", "300ms"];
    let killed = system.run(&killed).expect(5);
    assert!(killed.stderr.contains("nobody felt"), "{}", killed.stderr);
    assert!(killed.stderr.contains("healthy after"), "{}", killed.stderr);
    system.run(&["down", "--volumes"]).expect(0);

    let plain = System::compose("services: {a: {image: a}}\n")
        .with_variable("MSVC_RUNTIME", "docker")
        .with_variable("DOCKER_HOST", &format!("tcp://127.0.0.1:{}", tls.port));
    let refused = plain.run(&["ps"]).expect(3);
    assert!(
        refused.stderr.contains("does not answer"),
        "{}",
        refused.stderr
    );
    for service in ["caller", "callee"] {
        let image = format!("{}-{service}", system.project);
        let _ = Command::new("docker")
            .args(["image", "rm", &image])
            .output();
    }
}

/// A service when it is given a role, and no test otherwise.
#[test]
fn service() {
    let words: Vec<String> = std::env::args().collect();
    let Some(at) = words.iter().position(|word| word == "service") else {
        return;
    };
    let Some(role) = words.get(at + 1) else {
        return;
    };
    println!("here is {role}");
    let listener = TcpListener::bind("0.0.0.0:8080").unwrap();
    for stream in listener.incoming().flatten() {
        drop(stream);
    }
}
