//! What every request has to pass, and how the service ends. Time is paused where it matters.

use axum::body::Body;
use axum::http::Method;
use tower::ServiceExt;

use super::*;

fn config(folder: &std::path::Path) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data_dir: folder.to_owned(),
        request_timeout: Duration::from_secs(5),
        shutdown_grace: Duration::from_secs(5),
        log: "info".to_owned(),
        provider_states: false,
    }
}

struct Service {
    app: Router,
    shutdown: CancellationToken,
    _folder: tempfile::TempDir,
}

fn service() -> Service {
    let folder = tempfile::tempdir().unwrap();
    let items = Items::new(Database::open(folder.path()).unwrap());
    let shutdown = CancellationToken::new();
    Service {
        app: app(items, &config(folder.path()), shutdown.clone()),
        shutdown,
        _folder: folder,
    }
}

async fn status(app: &Router, method: Method, path: &str) -> u16 {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::empty()).unwrap();
    app.clone()
        .oneshot(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn it_is_ready_until_it_is_asked_to_stop_and_alive_all_the_time() {
    let service = service();
    assert_eq!(status(&service.app, Method::GET, "/readyz").await, 200);
    service.shutdown.cancel();
    assert_eq!(status(&service.app, Method::GET, "/readyz").await, 503);
    assert_eq!(status(&service.app, Method::GET, "/livez").await, 200);
}

#[tokio::test]
async fn every_path_that_the_description_names_is_served() {
    let service = service();
    let lines = include_str!("../../openapi.yaml").lines();
    let paths: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("  /")?.strip_suffix(':'))
        .map(|path| format!("/{}", path.replace("{id}", "lamp")))
        .collect();
    assert!(paths.len() > 4, "{paths:?}");
    for path in paths {
        // A method that no route takes: 405 says that there is such a path, 404 that there is none.
        let answered = status(&service.app, Method::TRACE, &path).await;
        assert_eq!(answered, 405, "{path}");
    }
}

#[tokio::test]
async fn contract_tests_cannot_set_data_unless_that_is_switched_on() {
    let service = service();
    assert_eq!(
        status(&service.app, Method::POST, "/_pact/states").await,
        404
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_given_up() {
    let stuck = || async { std::future::pending::<&'static str>().await };
    let app = Router::new()
        .route("/", get(stuck))
        .layer(from_fn_with_state(Duration::from_secs(5), timed));
    assert_eq!(status(&app, Method::GET, "/").await, 503);
}

#[tokio::test(start_paused = true)]
async fn work_that_outlives_its_grace_does_not_keep_the_service_from_ending() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (begun, in_hand) = tokio::sync::oneshot::channel();
    let begun = std::sync::Arc::new(std::sync::Mutex::new(Some(begun)));
    let stuck = move || async move {
        begun.lock().unwrap().take().unwrap().send(()).unwrap();
        std::future::pending::<&'static str>().await
    };
    let app = Router::new().route("/", get(stuck));
    let shutdown = CancellationToken::new();
    let grace = Duration::from_secs(5);
    let served = tokio::spawn(serve(listener, app, grace, shutdown.clone()));
    let mut caller = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut caller, request)
        .await
        .unwrap();
    in_hand.await.unwrap();
    shutdown.cancel();
    let ended = tokio::time::timeout(2 * grace, served).await;
    ended.unwrap().unwrap().unwrap();
}
