//! A 64-byte round trip over loopback: directly, and through an edge of the mesh, in turn, in one
//! run. Prints both medians and their ratio.
//!
//!     cargo bench --bench edge --profile dev

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement prints and may fail loudly"
)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use msvc_machine::clock::MachineClock;
use msvc_mesh::Mesh;
use msvc_mesh::spec::{Admission, Backend, EdgeSpec};
use msvc_system::id::{EdgeId, LaneName};

const ROUNDS: usize = 9;
const TRIPS: usize = 5_000;

fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                stream.set_nodelay(true).unwrap();
                let mut bytes = [0_u8; 64];
                while stream.read_exact(&mut bytes).is_ok() && stream.write_all(&bytes).is_ok() {}
            });
        }
    });
    address
}

/// The median of `TRIPS` round trips.
fn median(address: SocketAddr) -> Duration {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut bytes = [7_u8; 64];
    let mut took: Vec<Duration> = (0..TRIPS)
        .map(|_| {
            let since = Instant::now();
            stream.write_all(&bytes).unwrap();
            stream.read_exact(&mut bytes).unwrap();
            since.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[TRIPS / 2]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let direct = echo();
    let nowhere = Arc::new(|_: &EdgeId| SocketAddr::from(([127, 0, 0, 1], 0)));
    let mesh = Mesh::new(MachineClock::shared(), "bench", nowhere);
    let edge = mesh
        .put_edge(&EdgeSpec {
            id: EdgeId {
                lane: LaneName::main(),
                caller: "a".parse().unwrap(),
                callee: "b".parse().unwrap(),
                port: direct.port(),
            },
            caller_replica: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            backends: vec![Backend::Tcp(direct)],
            admission: Admission::Accept,
            also_known_as: Vec::new(),
            reasons: Vec::new(),
            transport: msvc_mesh::spec::Transport::Tcp,
        })
        .unwrap();
    while !mesh.edges().iter().all(|edge| edge.accepting) {
        std::thread::yield_now();
    }
    let mut pairs: Vec<(Duration, Duration)> = (0..ROUNDS)
        .map(|_| (median(direct), median(edge)))
        .collect();
    pairs.sort_unstable_by_key(|(direct, edge)| edge.as_nanos() * 1000 / direct.as_nanos().max(1));
    let (direct, edge) = pairs[ROUNDS / 2];
    let ratio = edge.as_secs_f64() / direct.as_secs_f64();
    println!("direct {direct:?}, through an edge {edge:?}, ratio {ratio:.2} (medians of {TRIPS})");
}
