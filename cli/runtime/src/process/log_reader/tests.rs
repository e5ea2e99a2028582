use std::sync::Arc;

use msvc_machine::clock::MachineClock;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Stream;
use msvc_system::id::InstanceId;

use super::super::log_file::LogFile;
use super::super::logs::Logs;
use super::*;

fn id(service: &str) -> InstanceId {
    InstanceId {
        project: "shop".parse().unwrap(),
        lane: "main".parse().unwrap(),
        service: service.parse().unwrap(),
        replica: 1,
        incarnation: 1,
    }
}

fn home(folder: &Path) -> ProjectHome {
    ProjectHome::new(folder, "shop".parse().unwrap(), None).unwrap()
}

async fn write(logs: &Logs, service: &str, text: &str) {
    let writer = logs.open(&id(service)).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let file = tokio::fs::File::from_std(file);
    writer.drain(file, Stream::Stdout, Shutdown::new()).await;
}

async fn texts(stream: BoxStream<'static, LogLine>) -> Vec<String> {
    stream.map(|line| line.text).collect().await
}

#[tokio::test]
async fn lines_are_merged_filtered_and_cut_to_the_tail() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let logs = Logs::new(home.clone(), Arc::new(MachineClock));
    write(&logs, "a", "1\n2\n3\n").await;
    write(&logs, "a-1", "4\n5\n").await;
    let ask = |services: &[&str], tail| LogQuery {
        services: services.iter().map(|name| name.parse().unwrap()).collect(),
        follow: false,
        tail,
    };
    let read = |query| texts(read_logs(&home, &query).unwrap());
    let mut all = read(ask(&[], None)).await;
    // Lines of one millisecond may come in either order of their files.
    all.sort_unstable();
    assert_eq!(all, ["1", "2", "3", "4", "5"]);
    assert_eq!(read(ask(&["a"], Some(2))).await, ["2", "3"]);
    assert_eq!(read(ask(&["a-1"], Some(9))).await, ["4", "5"]);
    assert!(read(ask(&["a"], Some(0))).await.is_empty());
    assert_eq!(logs.last_lines(&id("a"), 2), ["2", "3"]);
}

#[tokio::test]
async fn a_follower_sees_files_that_come_later_and_ends_with_the_logs() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let logs = Logs::new(home.clone(), Arc::new(MachineClock));
    write(&logs, "a", "old\n").await;
    let query = LogQuery {
        services: Vec::new(),
        follow: true,
        tail: Some(0),
    };
    let mut follower = lines(&home, &query, Some(logs.subscribe())).unwrap();
    write(&logs, "b", "new\n").await;
    assert_eq!(follower.next().await.unwrap().text, "new");
    write(&logs, "a", "last").await;
    logs.close();
    assert_eq!(texts(follower).await, ["last"]);
}

#[tokio::test]
async fn no_supervisor_and_no_logs_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let lines = read_logs(&home(folder.path()), &LogQuery::default()).unwrap();
    assert!(texts(lines).await.is_empty());
}

/// Numbers in lines of one replica, in files of so many bytes.
fn fill(home: &ProjectHome, numbers: std::ops::Range<u64>, full: u64) {
    let path = home.log_file(&id("a"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = LogFile::open(&path, full).unwrap();
    for number in numbers {
        let line = LogLine {
            instance: id("a"),
            stream: Stream::Stdout,
            at_ms: 7,
            text: number.to_string(),
        };
        let line = format!("{}\n", serde_json::to_string(&line).unwrap());
        file.append(line.as_bytes()).unwrap();
    }
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn lines_and_the_tail_are_read_across_the_files_that_were_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    fill(&home, 0..10, 600);
    assert!(put_aside(&home.log_file(&id("a"))).unwrap().len() > 1);
    let read = |tail| {
        let query = LogQuery {
            tail,
            ..LogQuery::default()
        };
        texts(read_logs(&home, &query).unwrap())
    };
    assert_eq!(read(None).await, numbers(0..10));
    for tail in 0..12 {
        let first = 10_u64.saturating_sub(tail);
        let tail = usize::try_from(tail).unwrap();
        assert_eq!(read(Some(tail)).await, numbers(first..10), "{tail}");
    }
}

#[tokio::test]
async fn a_follower_sees_every_line_once_whatever_is_put_aside_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let logs = Logs::new(home.clone(), Arc::new(MachineClock));
    let told = logs.subscribe();
    fill(&home, 0..3, 600);
    let mut follower = lines(&home, &LogQuery::default(), Some(told)).unwrap();
    assert_eq!(follower.next().await.unwrap().text, "0");
    for number in 1..3 {
        assert_eq!(follower.next().await.unwrap().text, number.to_string());
    }
    let mut seen = 3;
    // Some of these fit into the file, some put one aside, some two.
    for more in [1, 2, 9, 1, 4, 8, 8, 3] {
        fill(&home, seen..seen + more, 600);
        for number in seen..seen + more {
            assert_eq!(follower.next().await.unwrap().text, number.to_string());
        }
        seen += more;
    }
    logs.close();
    assert!(texts(follower).await.is_empty());
}

#[tokio::test]
async fn a_log_that_is_put_aside_and_not_begun_anew_yet_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    fill(&home, 0..3, 600);
    let path = home.log_file(&id("a"));
    let later = path.with_extension("ndjson.1");
    fs::rename(&path, &later).unwrap();
    let mut reader = Reader::new(&home, &LogQuery::default());
    reader.look(None).unwrap();
    fill(&home, 3..5, 600);
    reader.look(None).unwrap();
    let seen = reader.batch().into_iter().map(|line| line.text);
    assert_eq!(seen.collect::<Vec<_>>(), numbers(0..5));
}
