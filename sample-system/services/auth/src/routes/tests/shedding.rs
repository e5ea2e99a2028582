//! More who sign up or in than there is work for.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn more_than_may_wait_are_told_to_come_again_and_then_have_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = desk_in(folder.path(), OPERATOR_PASSWORD).await;
    // One at work and one that waits.
    desk.hasher = Hasher::new(Random::system(), 1, 1, WAIT, &Metrics::new()).unwrap();
    let running = start_at(desk, folder).await;
    let sign_up = async |number: usize| {
        let body = account(&format!("ada{number}@shop.example"));
        let request = running.client.post(format!("{}/accounts", running.root));
        let request = request.header("Idempotency-Key", format!("k-{number}"));
        request.json(&body).send().await.unwrap()
    };
    let answers = join_all((0..12).map(sign_up)).await;
    let mut refused = Vec::new();
    for (number, answer) in answers.into_iter().enumerate() {
        if answer.status() == 201 {
            continue;
        }
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "1");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        refused.push(number);
    }
    assert!((1..12).contains(&refused.len()), "{refused:?}");
    for number in refused {
        assert_eq!(sign_up(number).await.status(), 201);
    }
    let sign_in = || running.sign_in("ada0@shop.example", PASSWORD);
    let statuses = join_all((0..12).map(|_| sign_in())).await;
    let statuses: Vec<u16> = statuses.into_iter().map(|(status, _)| status).collect();
    assert!(
        statuses.contains(&200) && statuses.contains(&503),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_hashed() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = desk_in(folder.path(), OPERATOR_PASSWORD).await;
    desk.hasher = Hasher::new(Random::system(), 1, 64, WAIT, &Metrics::new()).unwrap();
    let running = start_at(desk, folder).await;
    // Each hash takes longer than a millisecond: those that are not the first come too late.
    let headers = [("request-timeout-ms", "1")];
    let body = json!({"email": "ada@shop.example", "password": PASSWORD});
    let late = (0..6).map(|_| running.send("POST", "/tokens", &headers, Some(&body)));
    let statuses = join_all(late).await;
    assert!(
        statuses.iter().any(|(status, _)| *status == 504),
        "{statuses:?}"
    );
    assert!(
        statuses
            .iter()
            .all(|(status, _)| [401, 504].contains(status)),
        "{statuses:?}"
    );
}
