//! A mesh, callees of several kinds, and callers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use msvc_machine::clock::MachineClock;
use msvc_mesh::Mesh;
use msvc_mesh::spec::{Admission, Backend, EdgeSpec, EdgeStatus, Transport};
use msvc_system::id::{EdgeId, LaneName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub(crate) fn mesh() -> Mesh {
    Mesh::new(
        MachineClock::shared(),
        "mesh-1",
        Arc::new(|_: &EdgeId| loopback()),
    )
}

pub(crate) fn edge_id(caller: &str, callee: &str, port: u16) -> EdgeId {
    EdgeId {
        lane: LaneName::main(),
        caller: caller.parse().unwrap(),
        callee: callee.parse().unwrap(),
        port,
    }
}

pub(crate) fn spec(id: EdgeId, backends: &[SocketAddr]) -> EdgeSpec {
    EdgeSpec {
        id,
        caller_replica: None,
        listen: loopback(),
        backends: backends.iter().copied().map(Backend::Tcp).collect(),
        admission: Admission::Accept,
        also_known_as: Vec::new(),
        reasons: vec!["test".to_owned()],
        transport: Transport::Tcp,
    }
}

/// Waits until `condition` gives something; a minute is for ever.
pub(crate) async fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn status(mesh: &Mesh, id: &EdgeId) -> EdgeStatus {
    let edges = mesh.edges();
    edges.into_iter().find(|e| e.id == *id).unwrap()
}

pub(crate) async fn accepting(mesh: &Mesh, id: &EdgeId) {
    until("the edge accepts", || {
        status(mesh, id).accepting.then_some(())
    })
    .await;
}

/// An edge to `backend`, once it accepts.
pub(crate) async fn edge_to(mesh: &Mesh, id: &EdgeId, backend: SocketAddr) -> SocketAddr {
    let listen = mesh.put_edge(&spec(id.clone(), &[backend])).unwrap();
    accepting(mesh, id).await;
    listen
}

/// A callee that answers every connection with `serve`. Probes are connections too.
pub(crate) async fn callee<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// A callee that says back what it hears, until the caller ends.
pub(crate) async fn echo() -> SocketAddr {
    callee(|mut stream| async move {
        let (mut read, mut write) = stream.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
        let _ = write.shutdown().await;
    })
    .await
}

/// Sends and reads back as many bytes.
pub(crate) async fn round_trip(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).await.unwrap();
    let mut back = vec![0; bytes.len()];
    stream.read_exact(&mut back).await.unwrap();
    back
}

pub(crate) fn refused(outcome: io::Result<TcpStream>) -> bool {
    matches!(outcome, Err(e) if e.kind() == io::ErrorKind::ConnectionRefused)
}

pub(crate) fn was_reset<T>(outcome: io::Result<T>) -> bool {
    matches!(outcome, Err(e) if e.kind() == io::ErrorKind::ConnectionReset)
}

/// Bytes that do not repeat soon.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}
