//! What strangers send: whatever it is, it is answered in order and breaks nothing.

use outside::{hear_each, query, send_each};
use tokio::runtime::Runtime;

use super::*;

#[test]
fn no_query_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    shop::entry::install_tls();
    let folder = tempfile::tempdir().unwrap();
    let root = runtime.block_on(async {
        let model = open(&folder).await;
        let lamp = product("1", 1, "Desk lamp", "for desks");
        hear(&model, &lamp, 0).await.unwrap();
        let listener = serve::listen("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let (never, grace) = (CancellationToken::new(), Duration::from_secs(5));
        let routes = routes(model);
        tokio::spawn(serve::http(
            listener,
            routes,
            Readiness::new(),
            never,
            grace,
        ));
        root
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["/search", "/search/popular"] {
        send_each(&runtime, 150, query(&["q", "limit"]), |query| {
            client.get(format!("{root}{path}?{query}"))
        });
    }
}

#[test]
fn no_event_makes_the_handler_panic_or_try_for_ever() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let topics = runtime.block_on(async { Topics(open(&folder).await) });
    for good in [
        product("1", 1, "Lamp", ""),
        stock("1", 1, 7),
        ordered("e1", "1"),
    ] {
        hear_each(&runtime, 100, &topics, &good);
    }
}
