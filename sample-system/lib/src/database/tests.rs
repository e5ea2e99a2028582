//! The database over real files, opened by one and by many.

use super::*;

const SCHEMA: &[&str] = &["CREATE TABLE note (text TEXT PRIMARY KEY) STRICT;"];

fn open(folder: &tempfile::TempDir) -> Database {
    Database::open(&folder.path().join("data/notes.sqlite"), SCHEMA).unwrap()
}

fn insert(text: &'static str) -> impl FnOnce(&Connection) -> rusqlite::Result<usize> {
    move |connection| connection.execute("INSERT INTO note VALUES (?1)", [text])
}

async fn count(database: &Database) -> i64 {
    database
        .read(|connection| connection.query_row("SELECT count(*) FROM note", [], |r| r.get(0)))
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_answered_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).write(insert("a")).await.unwrap();
    assert_eq!(count(&open(&folder)).await, 1);
}

#[tokio::test]
async fn a_write_that_fails_undoes_itself_and_nothing_of_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    // The first write holds the writer until the others wait together behind it.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let first = database.write(move |_| {
        let _released = held.recv();
        Ok(())
    });
    let bad = database.write(|connection| {
        insert("half")(connection)?;
        connection.execute("INSERT INTO nowhere VALUES (1)", [])
    });
    let good = database.write(insert("good"));
    let release = async move {
        tokio::task::yield_now().await;
        drop(release);
    };
    let (first, bad, good, ()) = tokio::join!(first, bad, good, release);
    assert!(first.is_ok() && good.is_ok());
    assert!(matches!(bad, Err(DatabaseError::Statement(_))));
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_panic_in_one_write_leaves_the_database_working() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let panicked: Result<(), _> = database.write(|_| panic!("on purpose")).await;
    assert!(matches!(panicked, Err(DatabaseError::Gone)));
    database.write(insert("after")).await.unwrap();
    assert!(database.answers().await);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let refused = open(&folder).read(insert("a")).await;
    assert!(matches!(refused, Err(DatabaseError::Statement(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_open_one_new_file_at_once_migrate_it_once_and_all_their_writes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.sqlite");
    // As so many processes would: each has its own connections and its own writer.
    let processes = (0..6).map(|process| {
        let path = path.clone();
        tokio::spawn(async move {
            let open = move || Database::open(&path, SCHEMA).unwrap();
            let database = tokio::task::spawn_blocking(open).await.unwrap();
            for n in 0..50 {
                let text = format!("{process}.{n}");
                let insert = move |connection: &Connection| {
                    connection.execute("INSERT INTO note VALUES (?1)", [text])
                };
                database.write(insert).await.unwrap();
            }
            database.figures()
        })
    });
    let mut batches = 0;
    for figures in futures_util::future::join_all(processes).await {
        let figures = figures.unwrap();
        assert_eq!((figures.queued, figures.writes, figures.errors), (0, 50, 0));
        assert!(figures.committing <= figures.busy);
        batches += figures.batches;
    }
    assert_eq!(batches, 300);
    assert_eq!(count(&Database::open(&path, SCHEMA).unwrap()).await, 300);
}

#[tokio::test]
async fn an_error_that_passes_is_told_from_one_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    database.write(insert("a")).await.unwrap();
    let twice = database.write(insert("a")).await.unwrap_err();
    assert!(!twice.passes(), "{twice}");
    assert!(DatabaseError::Gone.passes());
    let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    let busy = rusqlite::Error::SqliteFailure(busy, None);
    assert!(DatabaseError::Statement(busy).passes());
}
