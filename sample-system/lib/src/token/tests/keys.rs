//! The keys of a checker: fetched, kept, and good while auth is away.

use super::*;

/// What a source of keys publishes now, and how often it was asked.
#[derive(Clone, Default)]
struct Published {
    set: Arc<Mutex<Option<JwkSet>>>,
    asked: Arc<AtomicUsize>,
}

impl Published {
    fn publish(&self, signers: &[&Signer]) {
        let keys = signers
            .iter()
            .map(|signer| signer.public().clone())
            .collect();
        *self.set.lock().unwrap() = Some(JwkSet { keys });
    }

    fn go_away(&self) {
        *self.set.lock().unwrap() = None;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn keys(&self) -> Keys {
        let published = self.clone();
        let source = move || {
            published.asked.fetch_add(1, Ordering::Relaxed);
            let set = published.set.lock().unwrap().clone();
            let away = || SourceError::Read("away".to_owned());
            std::future::ready(set.ok_or_else(away))
        };
        Keys::from_source(source, at(NOW))
    }
}

fn token_of(signer: &Signer) -> String {
    signer.token(ACCOUNT, Role::Customer, NOW, 900).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_known_is_fetched_and_then_kept() {
    let published = Published::default();
    published.publish(&[&signer(1)]);
    let keys = published.keys();
    for _ in 0..5 {
        assert!(keys.check(&token()).await.is_ok());
    }
    assert_eq!(published.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_published_right_after_a_fetch_is_waited_for_and_not_refused() {
    let published = Published::default();
    published.publish(&[&signer(1)]);
    let keys = published.keys();
    assert!(keys.check(&token()).await.is_ok());
    published.publish(&[&signer(1), &signer(2)]);
    assert!(keys.check(&token_of(&signer(2))).await.is_ok());
    assert_eq!(published.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn names_that_strangers_make_up_cost_auth_one_fetch_a_second() {
    let published = Published::default();
    published.publish(&[&signer(1)]);
    let keys = published.keys();
    let begun = tokio::time::Instant::now();
    let strangers = (2..60).map(|number| {
        let keys = keys.clone();
        async move { keys.check(&token_of(&signer(number))).await }
    });
    for refused in futures_util::future::join_all(strangers).await {
        assert_eq!(refused, Err(Refusal::UnknownKey));
    }
    assert!(published.asked() <= 2, "{}", published.asked());
    for number in 60..64 {
        assert!(keys.check(&token_of(&signer(number))).await.is_err());
    }
    let seconds = begun.elapsed().as_secs() as usize;
    assert!(
        published.asked() <= seconds + 1,
        "{} in {seconds} s",
        published.asked()
    );
}

#[tokio::test(start_paused = true)]
async fn keys_stay_good_while_auth_is_away_and_unknown_ones_are_told_to_come_again() {
    let published = Published::default();
    published.publish(&[&signer(1)]);
    let keys = published.keys();
    let shutdown = CancellationToken::new();
    tokio::spawn(keys.clone().run(shutdown.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    published.go_away();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(published.asked() > 10);
    assert!(keys.check(&token()).await.is_ok());
    assert_eq!(
        keys.check(&token_of(&signer(2))).await,
        Err(Refusal::NoKeys)
    );
    shutdown.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_is_forgotten_within_five_minutes() {
    let published = Published::default();
    published.publish(&[&signer(1), &signer(2)]);
    let keys = published.keys();
    tokio::spawn(keys.clone().run(CancellationToken::new()));
    assert!(keys.check(&token()).await.is_ok());
    published.publish(&[&signer(2)]);
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(keys.check(&token()).await, Err(Refusal::UnknownKey));
}

#[tokio::test(start_paused = true)]
async fn a_set_without_a_usable_key_is_a_failure_and_changes_nothing() {
    let published = Published::default();
    published.publish(&[&signer(1)]);
    let keys = published.keys();
    assert!(keys.check(&token()).await.is_ok());
    published.publish(&[]);
    assert_eq!(
        keys.check(&token_of(&signer(2))).await,
        Err(Refusal::NoKeys)
    );
    assert!(keys.check(&token()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_checker_that_starts_before_auth_has_the_keys_soon_after_it() {
    let published = Published::default();
    let keys = published.keys();
    tokio::spawn(keys.clone().run(CancellationToken::new()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(keys.check(&token()).await, Err(Refusal::NoKeys));
    published.publish(&[&signer(1)]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(keys.check(&token()).await.is_ok());
}
