//! What was asked of the engine is done by it, whoever gives up waiting: shown on one that takes its
//! time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::poll;
use msvc_runtime::contract::Runtime;
use msvc_runtime::docker::{DockerRuntime, Engine};
use msvc_runtime::instance::{ContainerProgram, Hooks, InstanceSpec, Program};
use msvc_runtime::plan::{Deed, Step};
use msvc_system::id::{InstanceId, LaneName};
use msvc_system::model::RestartPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::support::clock;

/// An engine that tells its version, and makes no container before it is let.
#[derive(Clone)]
struct Slow {
    asked: Arc<Semaphore>,
    let_go: Arc<Semaphore>,
}

impl Slow {
    fn listen(at: &Path) -> Self {
        let slow = Self {
            asked: Arc::new(Semaphore::new(0)),
            let_go: Arc::new(Semaphore::new(0)),
        };
        let listener = UnixListener::bind(at).unwrap();
        let each = slow.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(each.clone().answer(stream));
            }
        });
        slow
    }

    async fn answer(self, mut stream: UnixStream) {
        let mut asked = vec![0; 4096];
        let length = stream.read(&mut asked).await.unwrap_or_default();
        let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
        let (status, body) = if asked.contains("/containers/create") {
            self.asked.add_permits(1);
            self.let_go.acquire().await.unwrap().forget();
            ("500 No", r#"{"message":"no"}"#)
        } else {
            ("200 OK", r#"{"Version":"20.10.0","ApiVersion":"1.41"}"#)
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

fn start() -> Step {
    let id = InstanceId {
        project: "shop".parse().unwrap(),
        lane: LaneName::main(),
        service: "web".parse().unwrap(),
        replica: 1,
        incarnation: 1,
    };
    let program = ContainerProgram {
        name: "shop-web-1".to_owned(),
        create: serde_json::json!({}),
        joins: Vec::new(),
        files: Vec::new(),
        platform: None,
    };
    let spec = InstanceSpec {
        id,
        hash: "1".to_owned(),
        program: Program::Container(std::sync::Arc::new(program)),
        listens: Vec::new(),
        health: None,
        restart: RestartPolicy::No,
        stop_signal: "SIGTERM".to_owned(),
        stop_grace: Duration::from_secs(10),
        hooks: Hooks::default(),
    };
    Step {
        deed: Deed::Start(Box::new(spec)),
        cause: "the test wants it".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deed_that_nobody_waits_for_any_more_is_waited_for_before_all_is_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("slow.sock");
    let slow = Slow::listen(&socket);
    let host = format!("unix://{}", socket.display());
    let environment = [("DOCKER_HOST".to_owned(), host)].into();
    let engine = Engine::find(&environment).await.unwrap();
    let runtime = DockerRuntime::new(engine, "shop".parse().unwrap(), folder.path(), clock());
    let step = start();
    tokio::select! {
        _ = runtime.apply(&step) => panic!("the engine has not answered"),
        asked = slow.asked.acquire() => asked.unwrap().forget(),
    }
    // Given up, and under way in the engine all the same.
    let mut settled = std::pin::pin!(runtime.settled());
    assert!(poll!(&mut settled).is_pending());
    slow.let_go.add_permits(1);
    settled.await;
}
