//! Inside the mesh's container: the main of its only process, and of the one that the engine
//! starts beside it to speak with it.
//!
//! Edges are on board: whatever a client opened stands in a file of the container, which is read
//! again at every start. So after a restart of the engine the mesh carries all of them, without
//! msvc. The door is a Unix socket in the container, which no service can reach.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::BoxStream;
use msvc_machine::atomic_write::atomic_write;
use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_mesh::Mesh;
use msvc_mesh::control::{MeshControl, OfEdge, method};
use msvc_mesh::protocol::{Handler, ProtocolError, SessionId, serve_connection};
use msvc_mesh::spec::{Backend, EdgeSpec};
use msvc_system::id::EdgeId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncWriteExt, copy};
use tokio::net::{UnixListener, UnixStream};

use crate::contract::RuntimeError;

mod door;
mod interface;
mod regain;
mod resolver;

pub use door::door_main;

/// Where everything of the mesh stands in its container.
const FOLDER: &str = "/mesh";

/// The form of the file of edges.
const SCHEMA: &str = "msvc.mesh/1";

/// What a mesh says where an edge cannot have its address.
pub(super) const NO_ADDRESS: &str = "no_address";

/// How long a mesh may take from its start to the opening of its door, and the pause between two
/// knocks.
const OPENING: Duration = Duration::from_secs(2);
const KNOCK: Duration = Duration::from_millis(5);

/// The edges on board.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Aboard {
    schema: String,
    edges: Vec<EdgeSpec>,
    /// How often they have changed since this process began.
    #[serde(skip)]
    changes: u64,
}

impl Aboard {
    /// The addresses that its edges listen at, but for those that listen at all.
    fn addresses(&self) -> BTreeSet<IpAddr> {
        let listen = self.edges.iter().map(|edge| edge.listen.ip());
        listen.filter(|ip| !ip.is_unspecified()).collect()
    }

    /// The names that a resolver knows backends by.
    fn names(&self) -> BTreeSet<String> {
        let backends = self.edges.iter().flat_map(|edge| &edge.backends);
        let named = backends.filter_map(|backend| match backend {
            Backend::Named { name, .. } => Some(name.clone()),
            _ => None,
        });
        named.collect()
    }
}

fn aboard_now(aboard: &Mutex<Aboard>) -> MutexGuard<'_, Aboard> {
    aboard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn records(path: &Path) -> impl FnOnce(std::io::Error) -> RuntimeError + use<> {
    let path = path.to_owned();
    move |source| RuntimeError::Records { path, source }
}

/// Carries the edges on board, and those that clients open, until asked to end.
///
/// # Errors
/// When its folder or socket cannot be made.
pub async fn mesh_main(
    mesh: Mesh,
    build: &str,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), RuntimeError> {
    let folder = PathBuf::from(FOLDER);
    std::fs::create_dir_all(&folder).map_err(records(&folder))?;
    let file = folder.join("edges.json");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let aboard: Aboard = serde_json::from_str(&text).unwrap_or_default();
    for spec in &aboard.edges {
        // One that cannot be carried now is opened again by the next `up`.
        let _ = carry(&mesh, spec);
    }
    let aboard = Arc::new(Mutex::new(aboard));
    let door = Door {
        control: MeshControl::new(mesh.clone()),
        mesh: mesh.clone(),
        aboard: Arc::clone(&aboard),
        file,
        written: tokio::sync::Mutex::new(0),
    };
    let lost = Arc::clone(&aboard);
    let regaining = Arc::clone(&clock);
    let regaining = tokio::spawn(async move {
        regain::watch(&*regaining, || aboard_now(&lost).addresses()).await;
    });
    let names = move || aboard_now(&aboard).names();
    let watching = tokio::spawn(resolver::watch(mesh.clone(), clock, names));
    let socket = socket();
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).map_err(records(&socket))?;
    let handler: Arc<dyn Handler> = Arc::new(door);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.requested() => break,
        };
        if let Ok((stream, _)) = accepted {
            let (hello, handler) = (mesh.hello(build), Arc::clone(&handler));
            tokio::spawn(serve_connection(stream, hello, handler, shutdown.clone()));
        }
    }
    watching.abort();
    regaining.abort();
    mesh.close().await;
    Ok(())
}

fn socket() -> PathBuf {
    Path::new(FOLDER).join("control.sock")
}

/// A connection with the mesh's door. The engine may start who knocks before the mesh has opened.
async fn knock(socket: &Path, clock: &dyn Clock) -> std::io::Result<UnixStream> {
    let deadline = clock.now() + OPENING;
    loop {
        match UnixStream::connect(socket).await {
            Err(_) if clock.now() < deadline => clock.sleep(KNOCK).await,
            done => return done,
        }
    }
}

/// Joins this process's streams to the mesh's door, until either side ends.
///
/// # Errors
/// When the mesh is not there, and does not come in a while.
pub async fn attach_main(clock: &dyn Clock) -> Result<(), RuntimeError> {
    let socket = socket();
    let stream = knock(&socket, clock).await.map_err(records(&socket))?;
    let (mut read, mut write) = stream.into_split();
    let (mut input, mut output) = (tokio::io::stdin(), tokio::io::stdout());
    let out = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match tokio::io::AsyncReadExt::read(&mut read, &mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(n) => {
                    let sent = output.write_all(buffer.get(..n).unwrap_or_default()).await;
                    if sent.is_err() || output.flush().await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    tokio::select! {
        _ = copy(&mut input, &mut write) => {}
        () = out => {}
    }
    Ok(())
}

/// Gives this container the edge's address, and listens there.
fn carry(mesh: &Mesh, spec: &EdgeSpec) -> Result<(), ProtocolError> {
    let refused = |why: String| {
        ProtocolError::refused(NO_ADDRESS, format!("{} at {}: {why}", spec.id, spec.listen))
    };
    if !spec.listen.ip().is_unspecified() {
        interface::hold(spec.listen.ip()).map_err(|why| refused(why.to_string()))?;
    }
    mesh.put_edge(spec)
        .map(drop)
        .map_err(|why| refused(why.to_string()))
}

/// The mesh's own methods, with addresses and a memory.
struct Door {
    control: MeshControl,
    mesh: Mesh,
    aboard: Arc<Mutex<Aboard>>,
    file: PathBuf,
    /// Which of the changes is on disk.
    written: tokio::sync::Mutex<u64>,
}

impl Door {
    /// Returns once the change is on disk. Those that come while it is being written go there
    /// together: a boot opens an edge for each pair of services at once.
    async fn remember(&self, change: impl FnOnce(&mut Vec<EdgeSpec>)) -> Result<(), ProtocolError> {
        let number = {
            let mut aboard = aboard_now(&self.aboard);
            SCHEMA.clone_into(&mut aboard.schema);
            change(&mut aboard.edges);
            aboard.changes += 1;
            aboard.changes
        };
        let mut written = self.written.lock().await;
        if *written >= number {
            return Ok(());
        }
        let (text, upto) = {
            let aboard = aboard_now(&self.aboard);
            let text = serde_json::to_vec(&*aboard).unwrap_or_default();
            (text, aboard.changes)
        };
        let file = self.file.clone();
        let wrote = tokio::task::spawn_blocking(move || atomic_write(&file, &text)).await;
        let wrote = wrote.unwrap_or_else(|why| Err(std::io::Error::other(why)));
        wrote.map_err(|why| ProtocolError::refused("records", why.to_string()))?;
        *written = upto;
        Ok(())
    }

    async fn put(&self, parameters: &Value) -> Result<(), ProtocolError> {
        let Ok(spec) = serde_json::from_value::<EdgeSpec>(parameters.clone()) else {
            // The mesh itself says what is wrong with it.
            return Ok(());
        };
        carry(&self.mesh, &spec)?;
        let key = |it: &EdgeSpec| (it.id.clone(), it.caller_replica);
        self.remember(|edges| {
            edges.retain(|it| key(it) != key(&spec));
            edges.push(spec.clone());
        })
        .await
    }

    async fn forget(&self, edge: &EdgeId) -> Result<(), ProtocolError> {
        let given_up: Vec<_> = {
            let aboard = aboard_now(&self.aboard);
            let (gone, kept): (Vec<&EdgeSpec>, Vec<&EdgeSpec>) =
                aboard.edges.iter().partition(|it| it.id == *edge);
            let used: Vec<_> = kept.iter().map(|it| it.listen.ip()).collect();
            let gone = gone.iter().map(|it| it.listen.ip());
            gone.filter(|ip| !used.contains(ip) && !ip.is_unspecified())
                .collect()
        };
        for address in given_up {
            // An address that is gone already is as good.
            let _ = interface::give_up(address);
        }
        self.remember(|edges| edges.retain(|it| it.id != *edge))
            .await
    }
}

#[async_trait::async_trait]
impl Handler for Door {
    async fn request(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<Value, ProtocolError> {
        if method == method::PUT_EDGE {
            self.put(&parameters).await?;
        }
        let removed = match method == method::REMOVE_EDGE {
            true => serde_json::from_value::<OfEdge>(parameters.clone()).ok(),
            false => None,
        };
        let answer = self.control.request(session, method, parameters).await?;
        if let Some(OfEdge { edge }) = removed {
            self.forget(&edge).await?;
        }
        Ok(answer)
    }

    async fn subscribe(
        &self,
        session: SessionId,
        method: &str,
        parameters: Value,
    ) -> Result<BoxStream<'static, Value>, ProtocolError> {
        self.control.subscribe(session, method, parameters).await
    }

    async fn ended(&self, session: SessionId) {
        self.control.ended(session).await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use futures_util::future::join_all;
    use msvc_machine::clock::MachineClock;
    use msvc_mesh::spec::{Admission, Transport};
    use msvc_system::id::{LaneName, Party};

    use super::*;

    fn edge(port: u16) -> EdgeSpec {
        EdgeSpec {
            id: EdgeId {
                lane: LaneName::main(),
                caller: Party::Client,
                callee: "orders".parse().unwrap(),
                port,
            },
            caller_replica: None,
            listen: ([127, 0, 0, 1], port).into(),
            reasons: Vec::new(),
            backends: Vec::new(),
            admission: Admission::Accept,
            also_known_as: Vec::new(),
            transport: Transport::Tcp,
        }
    }

    fn on_board(file: &Path) -> Vec<u16> {
        let text = std::fs::read_to_string(file).unwrap();
        let aboard: Aboard = serde_json::from_str(&text).unwrap();
        let mut ports: Vec<u16> = aboard.edges.iter().map(|it| it.id.port).collect();
        ports.sort_unstable();
        ports
    }

    #[tokio::test]
    async fn edges_that_come_at_once_are_all_on_disk_when_they_are_answered() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("edges.json");
        let nowhere = Arc::new(|_: &EdgeId| ([127, 0, 0, 1], 0).into());
        let mesh = Mesh::new(Arc::new(MachineClock), "m", nowhere);
        let door = Door {
            control: MeshControl::new(mesh.clone()),
            mesh,
            aboard: Arc::default(),
            file: file.clone(),
            written: tokio::sync::Mutex::new(0),
        };
        let all = (1..=50).map(|port| {
            let (door, file) = (&door, &file);
            async move {
                door.remember(|edges| edges.push(edge(port))).await.unwrap();
                assert!(on_board(file).contains(&port));
            }
        });
        join_all(all).await;
        assert_eq!(on_board(&file), (1..=50).collect::<Vec<_>>());
        door.remember(|edges| edges.retain(|it| it.id.port != 7))
            .await
            .unwrap();
        assert_eq!(on_board(&file).len(), 49);
    }
}
