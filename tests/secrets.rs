//! Secrets that msvc makes, journeys that are given them, and services that are trusted by the
//! certificate they keep.
//!
//! Those of HTTPS need `openssl`, which makes the certificates.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use support::{Finished, Runtime, System, finish, free_port, read, skipped, until};

support::in_both! {
    a_missing_secret_is_made_before_anything_starts_and_never_again,
    two_systems_that_come_up_at_once_over_one_folder_share_one_value,
    journeys_are_given_a_secret_that_nothing_of_what_is_said_shows,
    https_is_trusted_by_the_certificate_that_its_service_keeps_now,
}

/// A web server whose `/tokens` knows the password, and which answers what it was told.
const SERVER: &str = r#"
import http.server, json, os, shutil, ssl, sys, threading
secret = open(os.environ['PASSWORD_FILE']).read()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def do_GET(self):
        self.answer(200, {'tls': isinstance(self.connection, ssl.SSLSocket)})
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        good = told['password'] == secret
        self.answer(200 if good else 401, {'told': told, 'role': told['role']})
    def log_message(self, *words):
        pass
def serve(setting, tls):
    host, port = os.environ[setting].rsplit(':', 1)
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ['APP'] + '/cert.pem', os.environ['APP'] + '/key.pem')
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()
serve('LISTEN', False)
tls = os.path.exists(os.environ['APP'] + '/cert.pem')
if tls:
    os.makedirs(os.environ['DATA'] + '/tls', exist_ok=True)
    shutil.copyfile(os.environ['APP'] + '/ca.pem', os.environ['DATA'] + '/tls/ca.pem')
serve('LISTEN_TLS', tls)
"#;

const CHECK: &str = "import os,socket;host,port=os.environ['LISTEN'].rsplit(':',1);socket.create_connection(('127.0.0.1' if host=='0.0.0.0' else host,int(port)))";

/// The server, its two ports published where the machine chooses but for `https`.
fn compose(https: &str) -> String {
    format!(
        r#"
x-msvc:
  journeys:
    - sign-in.arazzo.yaml
    - {{ name: told, command: [sh, -c, 'echo "$$MSVC_INPUT_PASSWORD as $$MSVC_INPUT_ROLE"; exit 1'] }}
  inputs:
    password: {{ secret: password }}
    role: operator
services:
  web:
    image: ${{TOOLS}}
    command: [python3, /app/server.py]
    restart: always
    stop_grace_period: 1s
    stop_signal: SIGKILL
    environment:
      LISTEN: 0.0.0.0:8080
      LISTEN_TLS: 0.0.0.0:8443
      APP: /app
      DATA: /data
      PASSWORD_FILE: /run/secrets/password
    volumes: ["./app:/app:ro", "data:/data"]
    secrets: [password]
    ports: ["8080", "{https}"]
    healthcheck: {{ test: [CMD, python3, -c, "{CHECK}"], interval: 200ms, retries: 3000 }}
    x-msvc:
      ca: /data/tls/ca.pem
      process:
        command: [python3, /app/server.py]
        port: {{ "8080": LISTEN, "8443": LISTEN_TLS }}
secrets:
  password: {{ file: ./secrets/password, x-msvc: {{ generate: {{ bytes: 32 }} }} }}
volumes: {{ data: {{}} }}
"#
    )
}

const OPENAPI: &str = r#"
openapi: 3.0.3
info: { title: Web, version: "1" }
servers: [{ url: "SERVER" }]
paths:
  /tokens:
    post:
      operationId: signIn
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { "200": { description: Good. } }
  /hello:
    get:
      operationId: hello
      responses: { "200": { description: Good. } }
"#;

const SIGN_IN: &str = r#"
arazzo: 1.0.1
info: { title: Sign in, version: "1" }
sourceDescriptions: [{ name: web, url: web.yaml, type: openapi }]
workflows:
  - workflowId: sign-in
    inputs:
      type: object
      required: [password, role]
      properties: { password: { type: string }, role: { type: string }, status: { type: integer, default: 200 } }
    steps:
      - stepId: sign-in
        operationId: signIn
        requestBody: { payload: { password: $inputs.password, role: $inputs.role } }
        successCriteria:
          - condition: $statusCode == $inputs.status
          - condition: $response.body#/told/password == $inputs.password
"#;

const HELLO: &str = r#"
arazzo: 1.0.1
info: { title: Hello, version: "1" }
sourceDescriptions: [{ name: tls, url: tls.yaml, type: openapi }]
workflows:
  - workflowId: hello
    steps:
      - stepId: hello
        operationId: hello
        successCriteria:
          - condition: $statusCode == 200
          - condition: $response.body#/tls == true
"#;

fn system(runtime: Runtime, https: &str) -> System {
    let system = System::compose(&compose(https)).on(runtime);
    let folder = &system.directory;
    fs::create_dir(folder.join("app")).unwrap();
    fs::write(folder.join("app/server.py"), SERVER).unwrap();
    fs::write(folder.join("sign-in.arazzo.yaml"), SIGN_IN).unwrap();
    let plain = OPENAPI.replace("SERVER", "http://web:8080");
    fs::write(folder.join("web.yaml"), plain).unwrap();
    system
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Both streams as one, without line breaks.
fn said(done: &Finished) -> String {
    let all = format!("{} {}", done.stdout, done.stderr);
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn a_missing_secret_is_made_before_anything_starts_and_never_again(runtime: Runtime) {
    let system = system(runtime, "8443");
    let secret = system.directory.join("secrets/password");
    let dry = system.run(&["up", "--dry-run"]).expect(0);
    assert!(
        dry.stdout.contains("secrets to be made\n  password in "),
        "{}",
        dry.stdout
    );
    assert!(!secret.parent().unwrap().exists());
    let up = system.up();
    assert!(said(&up).contains("made secret password in "), "{up:?}");
    let value = read(&secret);
    assert_eq!(value.len(), 43);
    assert_eq!(
        (mode(&secret), mode(secret.parent().unwrap())),
        (0o600, 0o700)
    );
    // The service, which reads it when it starts, has it.
    system.run(&["journey", "run", "sign-in"]).expect(0);
    // Neither another `up` nor other data make another.
    for arguments in [&["up", "-d"][..], &["down", "--volumes"], &["up", "-d"]] {
        let done = system.run(arguments).expect(0);
        assert!(!said(&done).contains("made"), "{done:?}");
    }
    assert_eq!(read(&secret), value);
    let dry = system.run(&["up", "--dry-run"]).expect(0);
    assert!(!dry.stdout.contains("to be made"), "{}", dry.stdout);
}

fn two_systems_that_come_up_at_once_over_one_folder_share_one_value(runtime: Runtime) {
    let system = system(runtime, "8443");
    let other = format!("{}b", system.project);
    let mut second = system.command(&["up", "-d"]);
    let arguments: Vec<_> = second.get_args().map(ToOwned::to_owned).collect();
    second = Command::new(second.get_program());
    let named = arguments
        .into_iter()
        .map(|word| match word.to_str() == Some(&system.project) {
            true => other.clone().into(),
            false => word,
        });
    second.args(named).envs(system.environment());
    let down = {
        let mut down = Command::new(second.get_program());
        down.arg("-C").arg(&system.directory).args(["-p", &other]);
        down.args(["down", "--volumes"]).envs(system.environment());
        down
    };
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(|| finish(second));
        (system.run(&["up", "-d"]), second.join().unwrap())
    });
    let ended = finish(down);
    let (first, second) = (first.expect(0), second.expect(0));
    ended.expect(0);
    let made = [&first, &second].map(|done| said(done).contains("made secret"));
    assert_eq!(
        made.iter().filter(|made| **made).count(),
        1,
        "{first:?} {second:?}"
    );
    system.run(&["journey", "run", "sign-in"]).expect(0);
}

fn journeys_are_given_a_secret_that_nothing_of_what_is_said_shows(runtime: Runtime) {
    let system = system(runtime, "8443");
    let unread = system.run(&["journey", "run", "sign-in"]).expect(4);
    let words = said(&unread);
    assert!(
        words.contains("the secret `password` cannot be read") && words.contains("up -d` makes it"),
        "{words}"
    );
    system.up();
    let secret = read(&system.directory.join("secrets/password"));
    let kept = tempfile::tempdir().unwrap();
    let artifacts = ["--artifacts", kept.path().to_str().unwrap()];
    let play = |more: &[&str]| {
        let arguments = [&["journey", "run", "-v"], &artifacts[..], more].concat();
        let done = system.run(&arguments);
        let mut all = format!("{} {}", done.stdout, done.stderr);
        // What services write themselves, below `logs`, is theirs.
        let files = fs::read_dir(kept.path()).unwrap().flatten();
        for file in files.filter(|it| it.path().is_file()) {
            all.push_str(&read(&file.path()));
        }
        (done, all)
    };
    // A service that answers it, a command that prints it, a criterion that compares it.
    for more in [
        &["sign-in", "-i", "status=500"][..],
        &["told"],
        &["told", "sign-in", "--format", "json", "-i", "status=500"],
    ] {
        let (done, all) = play(more);
        done.expect(1);
        assert!(
            all.contains("***") && !all.contains(&secret),
            "{more:?}: {all}"
        );
    }
    let (done, _) = play(&["told"]);
    assert!(said(&done).contains("*** as operator"), "{done:?}");
    // One given over it is as secret, also in the line that repeats the play and in `run.json`.
    let given = "password=not-the-right-one";
    let (done, all) = play(&["sign-in", "-i", given]);
    let done = done.expect(1);
    assert!(said(&done).contains("-i 'password=***'"), "{done:?}");
    assert!(!all.contains("not-the-right"), "{all}");
    let (done, _) = play(&["sign-in", "-i", given, "-i", "status=401"]);
    done.expect(0);
    let unknown = system.run(&["journey", "run", "told", "-i", "pasword=x"]);
    assert!(
        unknown
            .expect(2)
            .stderr
            .contains("did you mean `password`?")
    );
}

/// Makes an authority, and a key that it vouches for under the names that a journey may use.
const CERTIFICATES: &str = "set -e
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout authority.key \
    -out ca.pem -days 2 -subj /CN=authority -addext basicConstraints=critical,CA:TRUE
printf 'subjectAltName=DNS:web,DNS:localhost\nextendedKeyUsage=serverAuth\n' >usage
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out request \
    -subj /CN=web
openssl x509 -req -in request -CA ca.pem -CAkey authority.key -CAcreateserial -days 2 \
    -extfile usage -out cert.pem
";

fn certificates(system: &System) {
    let mut make = Command::new("sh");
    make.args(["-c", CERTIFICATES])
        .current_dir(system.directory.join("app"));
    finish(make).expect(0);
}

fn https_is_trusted_by_the_certificate_that_its_service_keeps_now(runtime: Runtime) {
    if Command::new("openssl").arg("version").output().is_err() {
        return skipped("openssl");
    }
    let port = free_port();
    let system = system(runtime, &format!("127.0.0.1:{port}:8443"));
    let folder = &system.directory;
    fs::write(folder.join("hello.arazzo.yaml"), HELLO).unwrap();
    let hello = folder.join("hello.arazzo.yaml");
    let play = || system.run(&["journey", "run", hello.to_str().unwrap()]);
    let server = |server: &str| {
        let text = OPENAPI.replace("SERVER", server);
        fs::write(folder.join("tls.yaml"), text).unwrap();
    };
    certificates(&system);
    server("https://web:8443");
    system.up();
    until("the port", || {
        let ca = system.run(&["journey", "run", hello.to_str().unwrap()]);
        (ca.code() == 0).then_some(())
    });
    // By the port that the host knows it by, too.
    server(&format!("https://localhost:{port}"));
    play().expect(0);
    // What passes the edge is counted like any other bytes.
    let ps = system.ps();
    let edges = ps["edges"].as_array().unwrap().iter();
    let edge = edges
        .clone()
        .find(|edge| edge.to_string().contains("8443"))
        .unwrap_or_else(|| panic!("{ps:#}"));
    assert!(
        edge["counts"]["connections"].as_u64() >= Some(2),
        "{edge:#}"
    );
    // Another authority after a restart is read again; the old certificate is worth nothing.
    let old = read(&folder.join("app/ca.pem"));
    certificates(&system);
    system.run(&["chaos", "kill", "web", "--down", "100ms"]);
    until("the new certificate to be trusted", || {
        (play().code() == 0).then_some(())
    });
    let host_ca = system.home().join("main/volumes/data/tls/ca.pem");
    if runtime == Runtime::Processes {
        let foreign = |text: &str| {
            fs::write(&host_ca, text).unwrap();
            said(&play())
        };
        let words = foreign(&old);
        assert!(
            words.contains("no connection: invalid peer certificate"),
            "{words}"
        );
        let words = foreign("nothing");
        assert!(
            words.contains("compose.yaml:") && words.contains("holds no certificate"),
            "{words}"
        );
        fs::remove_file(&host_ca).unwrap();
        let none = play().expect(3);
        let words = said(&none);
        assert!(
            words.contains("the CA of web (/data/tls/ca.pem) cannot be used")
                && words.contains("compose.yaml:"),
            "{words}"
        );
    }
}
