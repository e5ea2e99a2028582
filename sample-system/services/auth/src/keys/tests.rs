//! Keys over a real database file and a clock that is moved by hand.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::DateTime;
use shop::token::Keys;

use super::*;

const LIFETIME: Duration = Duration::from_secs(900);

struct Running {
    keys: SigningKeys,
    now: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

async fn open(folder: &tempfile::TempDir, now: &Arc<AtomicI64>) -> SigningKeys {
    let database = crate::open(folder.path()).unwrap();
    let read = Arc::clone(now);
    let clock =
        Clock::from_fn(move || DateTime::from_timestamp(read.load(Ordering::Relaxed), 0).unwrap());
    let opened = SigningKeys::open(database, clock, Random::system(), LIFETIME);
    opened.await.unwrap()
}

async fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(1_795_000_000));
    let keys = open(&folder, &now).await;
    Running { keys, now, folder }
}

impl Running {
    fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    fn kids(&self) -> Vec<String> {
        let set = self.keys.published();
        set.keys.into_iter().map(|key| key.kid).collect()
    }

    async fn rotate(&self) -> String {
        match self.keys.rotate(None).await.unwrap() {
            Rotated::Kid(kid) => kid,
            other => panic!("nobody asked for it with a key: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_next_key_is_published_before_it_is_used() {
    let running = start().await;
    let before = running.kids();
    assert_eq!(before.len(), 2);
    let in_use = running.rotate().await;
    assert_eq!(in_use, before[1]);
    let after = running.kids();
    assert_eq!((after.len(), &after[..2]), (3, &before[..]));
}

#[tokio::test]
async fn keys_are_the_same_after_a_restart() {
    let running = start().await;
    running.rotate().await;
    let again = open(&running.folder, &running.now).await;
    assert_eq!(again.published(), running.keys.published());
    let (token, _) = again.token(Uuid::nil(), Role::Customer).unwrap();
    let (same, _) = running.keys.token(Uuid::nil(), Role::Customer).unwrap();
    assert_eq!(token, same);
}

#[tokio::test]
async fn a_retired_key_is_published_until_the_last_token_signed_with_it_has_ended() {
    let running = start().await;
    let first = running.kids()[0].clone();
    let (token, lifetime) = running.keys.token(Uuid::nil(), Role::Customer).unwrap();
    assert_eq!(lifetime, 900);
    running.rotate().await;
    let believed = async || {
        let set = running.keys.published();
        let now = running.now.load(Ordering::Relaxed);
        let clock = Clock::from_fn(move || DateTime::from_timestamp(now, 0).unwrap());
        let source = move || std::future::ready(Ok(set.clone()));
        Keys::from_source(source, clock).check(&token).await.is_ok()
    };
    running.pass(929);
    assert!(believed().await && running.kids().contains(&first));
    running.pass(1);
    assert!(!believed().await && running.kids().contains(&first));
    running.pass(60);
    assert!(!running.kids().contains(&first));
}

#[tokio::test]
async fn a_key_that_is_published_no_more_is_forgotten_at_the_next_rotation() {
    let running = start().await;
    for _ in 0..3 {
        running.rotate().await;
        running.pass(2000);
    }
    running.rotate().await;
    let stored: i64 = rusqlite::Connection::open(running.folder.path().join("auth.sqlite"))
        .unwrap()
        .query_row("SELECT count(*) FROM signing_key", [], |row| row.get(0))
        .unwrap();
    assert_eq!((stored, running.kids().len()), (3, 3));
}

#[tokio::test]
async fn no_more_keys_are_published_than_whoever_checks_tokens_takes() {
    let running = start().await;
    for _ in 0..MOST_RETIRED {
        running.rotate().await;
    }
    let kids = running.kids();
    assert_eq!(kids.len(), 18, "those, the one in use and the next");
    running.pass(90);
    let published_longer = LIFETIME.as_secs();
    let crowded = Rotated::Crowded(Duration::from_secs(published_longer));
    assert_eq!(running.keys.rotate(None).await.unwrap(), crowded);
    assert_eq!(running.kids(), kids);
    running.pass(901);
    running.rotate().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_in_use_is_replaced_when_it_is_a_day_old() {
    let running = start().await;
    let day = Duration::from_secs(24 * 60 * 60);
    let first = running.kids();
    running.pass(24 * 60 * 60 - 1);
    let shutdown = CancellationToken::new();
    let rotating = tokio::spawn(running.keys.clone().rotate_by_age(day, shutdown.clone()));
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(running.kids(), first);
    running.pass(1);
    // The database answers from a thread of its own, which paused time does not wait for.
    while running.kids().len() == 2 {
        tokio::time::sleep(Duration::from_secs(61)).await;
        std::thread::yield_now();
    }
    assert_eq!(running.kids().len(), 3);
    shutdown.cancel();
    rotating.await.unwrap();
}

#[tokio::test]
async fn the_same_request_for_a_rotation_is_one_and_the_file_is_its_owners_alone() {
    let running = start().await;
    let asked = |key: &str| {
        Some(RotationAsked {
            account: Uuid::nil(),
            key: IdempotencyKey::new(key).unwrap(),
            content: Vec::new(),
        })
    };
    let first = running.keys.rotate(asked("k-1")).await.unwrap();
    assert_eq!(running.keys.rotate(asked("k-1")).await.unwrap(), first);
    assert_ne!(running.keys.rotate(asked("k-2")).await.unwrap(), first);
    assert_eq!(running.keys.rotate(asked("k-1")).await.unwrap(), first);
    for entry in std::fs::read_dir(running.folder.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !name.ends_with(".lock") {
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o777,
                0o600,
                "{name}"
            );
        }
    }
}
