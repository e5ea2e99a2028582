//! Keys and certificates that are replaced while they are in use.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use crate::SHOP;
use crate::support::{Runtime, Sets, Shop, beside, finish, http, skipped, until};

/// The name of the key that a token is signed with, from the token's header.
fn signed_with(token: &str) -> String {
    let script = "import base64,json,sys\n\
        head=sys.argv[1].split('.')[0]\n\
        print(json.loads(base64.urlsafe_b64decode(head+'='*(-len(head)%4)))['kid'])\n";
    let mut read = Command::new("python3");
    read.args(["-c", script, token]);
    finish(read).expect(0).stdout.trim().to_owned()
}

pub(crate) fn signing_keys_rotate_under_signed_requests_and_no_request_fails(runtime: Runtime) {
    SHOP.beside_others(runtime, |shop| {
        let customers = shop.customers("rotating", 4);
        let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        let signs_in = || {
            let body = json!({"email": "rotating-1@example.com", "password": "a long password"});
            let (status, token) = http("POST", &shop.at("tokens"), &[], Some(body));
            assert_eq!(status, 200, "{token}");
            token["access_token"].as_str().unwrap().to_owned()
        };
        let asks = |customer: usize| {
            while !stop.load(Ordering::Relaxed) {
                let (status, answer) = customers[customer].get("orders?limit=1");
                assert_eq!(status, 200, "with a token of before: {answer}");
                let token = signs_in();
                let bearer = format!("Bearer {token}");
                let url = shop.at("accounts/me");
                let (status, answer) = http("GET", &url, &[("Authorization", &bearer)], None);
                assert_eq!(status, 200, "with a token of now: {answer}");
                asked.fetch_add(2, Ordering::Relaxed);
            }
        };
        std::thread::scope(|scope| {
            let stops = Sets(&stop);
            let asking: Vec<_> = (0..4).map(|it| scope.spawn(move || asks(it))).collect();
            for number in 0..5 {
                let (status, rotated) = shop.post("keys/rotate", &format!("rotate-{number}"));
                assert_eq!(status, 200, "{rotated}");
                assert_eq!(rotated["kid"], *signed_with(&signs_in()), "{rotated}");
                let before = asked.load(Ordering::Relaxed);
                until("requests under the new key", || {
                    let more = asked.load(Ordering::Relaxed) >= before + 24;
                    let failed = asking.iter().any(|it| it.is_finished());
                    (more || failed).then_some(())
                });
            }
            drop(stops);
            for one in asking {
                one.join().unwrap();
            }
        });
        let published = shop.get(".well-known/jwks.json");
        let keys = published["keys"].as_array().map(Vec::len);
        assert!(
            keys >= Some(7),
            "one before, five since, one next: {published}"
        );
    });
}

/// Holds one connection while new ones are made, until one of those is shown another certificate
/// than it was; then the one that was held still has to answer.
const HOLD: &str = r#"
import socket, ssl, sys, time
host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
asked = 0

def connect():
    plain = socket.create_connection((host, port), 30)
    return context.wrap_socket(plain, server_hostname="localhost")

def ask(connection):
    connection.sendall(b"GET /search/popular HTTP/1.1\r\nHost: localhost\r\n\r\n")
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65536)
        assert more, "the connection was cut"
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                more = connection.recv(65536)
                assert more, "the connection was cut"
                body += more

held = connect()
first = held.getpeercert(True)
ask(held)
print("HELD", flush=True)
deadline = time.monotonic() + 60
while True:
    ask(held)
    asked += 1
    new = connect()
    ask(new)
    shown = new.getpeercert()
    if new.getpeercert(True) != first:
        break
    new.close()
    assert time.monotonic() < deadline, "the new certificate is not taken up"
    time.sleep(0.1)
for _ in range(5):
    ask(held)
print("TAKEN UP", dict(pair[0] for pair in shown["subject"])["commonName"], "after", asked)
"#;

/// Makes a certificate that the CA of a folder vouches for, and its key, as `gateway.pem`.
const SIGN: &str = r#"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out request \
    -subj "/CN=put there by hand"
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >extensions
openssl x509 -req -in request -CA tls/ca.pem -CAkey tls/ca-key.pem -set_serial 4711 -days 2 \
    -extfile extensions -out leaf.pem
cat leaf.pem key.pem >gateway.pem
"#;

/// Copies between the host and the gateway's data folder; either path that is inside begins
/// with `:`.
fn copy(shop: &Shop, from: &str, to: &str) {
    let home = match shop.system.runtime() {
        Runtime::Processes => {
            let folder = shop.system.home().join("main/volumes/gateway-data");
            folder.to_str().unwrap().to_owned()
        }
        Runtime::Containers => format!("{}-gateway-1:/data", shop.system.project),
    };
    let place = |path: &str| match path.strip_prefix(':') {
        Some(inside) => format!("{home}/{inside}"),
        None => path.to_owned(),
    };
    let mut copy = match shop.system.runtime() {
        Runtime::Processes => Command::new("cp"),
        Runtime::Containers => Command::new("docker"),
    };
    match shop.system.runtime() {
        Runtime::Processes => copy.arg("-r"),
        Runtime::Containers => copy.arg("cp"),
    };
    copy.args([place(from), place(to)]);
    finish(copy).expect(0);
}

pub(crate) fn a_new_certificate_is_taken_up_and_the_connection_that_is_there_is_not_cut(
    runtime: Runtime,
) {
    if Command::new("openssl").arg("version").output().is_err() {
        return skipped("openssl");
    }
    SHOP.beside_others(runtime, |shop| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        copy(shop, ":tls", &at("tls"));
        let mut sign = Command::new("sh");
        sign.args(["-ec", SIGN]).current_dir(folder.path());
        finish(sign).expect(0);
        let tls = shop.system.url_of("gateway", 8443);
        let address = tls.rsplit('/').next().unwrap();
        let (host, port) = address.rsplit_once(':').unwrap();
        let mut hold = Command::new("python3");
        hold.args(["-c", HOLD, host, port])
            .arg(Path::new(&at("tls/ca.pem")));
        let mut holding = beside(hold);
        holding.wait_for("HELD");
        copy(shop, &at("gateway.pem"), ":tls/gateway.pem");
        let done = holding.finish().expect(0);
        assert!(
            done.stdout.contains("TAKEN UP put there by hand"),
            "{}",
            done.stdout
        );
    });
}
