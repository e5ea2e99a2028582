//! What services write: kept within bounds, and nobody slowed down by it.

use futures_util::StreamExt;
use msvc_runtime::contract::{LogQuery, Runtime};
use msvc_runtime::observed::Phase;
use msvc_runtime::process::read_logs;

use crate::support::{Asked, Project};

/// The bytes of all files below a folder.
fn size_of(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(it) if it.is_dir() => size_of(&entry.path()),
        Ok(it) => it.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[tokio::test]
async fn a_service_that_floods_its_log_fills_no_disk_and_holds_nobody_up() {
    let project = Project::new();
    let runtime = project.launch().await;
    // Lines of a thousand bytes, 100 MB of them.
    let script = "yes \"$(printf %0999d 0)\" | head -n 100000; echo done";
    runtime.start(&project.service("flood", script)).await;
    runtime.start(&project.web("web")).await;
    runtime.ready("web").await;
    runtime
        .until("flood", |phase| matches!(phase, Phase::Exited { .. }))
        .await;
    let kept = size_of(&project.home.logs());
    assert!(kept < 55_000_000, "{kept} bytes");
    // What is left is the end, without a gap; the running system and the files say the same.
    let query = LogQuery {
        services: vec!["flood".parse().unwrap()],
        ..LogQuery::default()
    };
    let asked = runtime.logs(&query).await.unwrap();
    let lines: Vec<String> = asked.map(|line| line.text).collect().await;
    assert_eq!(lines.last().map(String::as_str), Some("done"));
    assert!(lines.len() > 40_000, "{} lines", lines.len());
    let read = read_logs(&project.home, &query).unwrap();
    assert_eq!(read.count().await, lines.len());
    let tail = LogQuery {
        tail: Some(40_000),
        ..query
    };
    assert_eq!(runtime.logs(&tail).await.unwrap().count().await, 40_000);
}
