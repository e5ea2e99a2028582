//! Several processes on one database.

use super::*;

#[tokio::test]
async fn a_copy_that_slept_through_its_lease_changes_nothing_any_more() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    let slept = open(folder.path());
    let halt = Halt::at("charged_recorded");
    let sleeper = executor(&slept, &neighbours);
    let saga = place(&slept).await;
    sleeper.begin(saga.clone(), card(GOOD_CARD), halt.clone());
    tokio::time::timeout(DEADLINE, halt.reached())
        .await
        .unwrap();

    let other = open_later(folder.path());
    executor(&other, &neighbours).take_over().await;
    let order = ended(&other).await;
    assert_eq!(order.status, Status::Confirmed);
    let before = other.events(order.id).await.unwrap();

    // It wakes and says what it did.
    let awake = Saga {
        step: Step::Charged,
        ..saga.clone()
    };
    let charged = Fact::ChargeFailed {
        reason: Reason::PaymentTimeout,
        maybe_taken: true,
    };
    assert_eq!(
        slept.record(awake, vec![charged]).await.unwrap(),
        Recorded::Lost
    );
    assert_eq!(
        slept.go_on_leading(vec![order.id]).await.unwrap(),
        [order.id]
    );
    assert_eq!(other.events(order.id).await.unwrap(), before);
    assert_right(&other, &order, &neighbours).await;
}

#[tokio::test]
async fn what_a_process_leads_is_not_taken_over_while_it_renews() {
    let (folder, neighbours) = (tempfile::tempdir().unwrap(), Neighbours::start().await);
    let store = open(folder.path());
    let halt = Halt::at("charged");
    let leader = executor(&store, &neighbours);
    leader.begin(place(&store).await, card(GOOD_CARD), halt.clone());
    tokio::time::timeout(DEADLINE, halt.reached())
        .await
        .unwrap();
    let another = open_at(folder.path(), &Clock::system(), "another");
    assert_eq!(another.take_over(16).await.unwrap(), []);
    assert_eq!(
        another.go_on_leading(vec![order_id()]).await.unwrap(),
        [order_id()]
    );
    assert_eq!(store.go_on_leading(vec![order_id()]).await.unwrap(), []);
}
