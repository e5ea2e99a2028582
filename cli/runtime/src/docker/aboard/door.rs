//! A door: the main of a container that opens one more of the host's ports. What comes in goes on
//! to the mesh, which counts and breaks it; an end stays an end, a reset a reset, a refusal is
//! told as a reset.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use super::records;
use crate::contract::RuntimeError;

/// How long accepting rests when the machine has no descriptor or memory left.
const REST: Duration = Duration::from_millis(50);
/// Bytes read at once.
const BUFFER: usize = 64 * 1024;

/// Carries what comes in at the port of `ADDRESS:PORT` there, until asked to end.
///
/// # Errors
/// When the argument is none, or the port cannot be had.
pub async fn door_main(
    given: &[OsString],
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), RuntimeError> {
    let target = given.first().and_then(|it| it.to_str()?.parse().ok());
    let target: SocketAddr =
        target.ok_or_else(|| RuntimeError::Refused("a door is ADDRESS:PORT".to_owned()))?;
    let own = SocketAddr::from((Ipv4Addr::UNSPECIFIED, target.port()));
    let path = std::path::PathBuf::from(own.to_string());
    let listener = TcpListener::bind(own).await.map_err(records(&path))?;
    let passing = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.requested() => return Ok(()),
        };
        match accepted {
            Ok((caller, _)) => drop(passing.spawn(pass(caller, target))),
            Err(_) => clock.sleep(REST).await,
        }
    }
}

async fn pass(mut caller: TcpStream, target: SocketAddr) {
    let Ok(mut mesh) = TcpStream::connect(target).await else {
        reset(&caller);
        return;
    };
    // Without it a connection is slower, not wrong.
    let _ = (caller.set_nodelay(true), mesh.set_nodelay(true));
    let broken = {
        let (mut from_caller, mut to_caller) = caller.split();
        let (mut from_mesh, mut to_mesh) = mesh.split();
        let there = way(&mut from_caller, &mut to_mesh);
        let back = way(&mut from_mesh, &mut to_caller);
        tokio::try_join!(there, back).is_err()
    };
    if broken {
        reset(&caller);
        reset(&mesh);
    }
}

/// One way, until its end is passed on.
async fn way(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(buffer.get(..length).unwrap_or_default())
            .await?;
    }
}

fn reset(stream: &TcpStream) {
    // Without the option the peer meets an ordinary end; nothing more can be done for it.
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use msvc_machine::clock::MachineClock;

    use super::*;

    /// A door on a port of its own, which leads to the same port of another loopback address.
    async fn door() -> (SocketAddr, TcpListener, Shutdown) {
        let behind = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let target = behind.local_addr().unwrap();
        (target, behind, Shutdown::new())
    }

    async fn passed(target: SocketAddr) -> TcpStream {
        let outside = TcpListener::bind("127.0.0.3:0").await.unwrap();
        let caller = TcpStream::connect(outside.local_addr().unwrap())
            .await
            .unwrap();
        let (inside, _) = outside.accept().await.unwrap();
        tokio::spawn(pass(inside, target));
        caller
    }

    #[tokio::test]
    async fn an_end_is_passed_on_alone_and_answers_still_come() {
        let (target, behind, _) = door().await;
        let mut caller = passed(target).await;
        caller.write_all(b"hello").await.unwrap();
        caller.shutdown().await.unwrap();
        let (mut mesh, _) = behind.accept().await.unwrap();
        let mut heard = Vec::new();
        mesh.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"hello");
        mesh.write_all(b"later").await.unwrap();
        drop(mesh);
        let mut answer = Vec::new();
        caller.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"later");
    }

    #[tokio::test]
    async fn a_reset_and_a_refusal_are_told_as_resets() {
        let (target, behind, _) = door().await;
        let mut caller = passed(target).await;
        let (mesh, _) = behind.accept().await.unwrap();
        reset(&mesh);
        drop(mesh);
        let is_reset = |outcome: std::io::Result<usize>| {
            outcome.is_err_and(|it| it.kind() == std::io::ErrorKind::ConnectionReset)
        };
        assert!(is_reset(caller.read(&mut [0]).await));
        drop(behind);
        let mut refused = passed(target).await;
        assert!(is_reset(refused.read(&mut [0]).await));
    }

    #[tokio::test]
    async fn what_is_no_target_is_refused() {
        let clock = MachineClock::shared();
        let given = [OsString::from("nowhere")];
        let error = door_main(&given, clock, Shutdown::new()).await;
        assert!(error.unwrap_err().to_string().contains("ADDRESS:PORT"));
    }
}
