//! Edges opened, moved and closed.

use super::*;

#[test]
fn the_first_up_opens_edges_then_starts_in_dependency_order() {
    assert_plan(
        &Observed::default(),
        &up(&shop()),
        "1  open gateway->orders:8080  (not there yet)
         1  open orders->broker:9092  (not there yet)
         1  open client->gateway:8080  (not there yet)
         2  start broker/1#1  (not there yet)
         3  await broker/1#1 healthy  (orders needs it)
         4  start orders/1#1  (not there yet)
         5  await orders/1#1 healthy  (gateway needs it)
         6  start gateway/1#1  (not there yet)
         7  await gateway/1#1 healthy  (up means ready)",
    );
}

#[test]
fn a_service_no_longer_in_the_file_is_stopped_and_its_edges_closed() {
    let before = up(&shop());
    let observed = all_ready(&before.0);
    let mut less = shop();
    let mut orders = less.services.shift_remove("orders").unwrap();
    less.edges.clear();
    let gateway = less.services.get_mut("gateway").unwrap();
    gateway.environment.shift_remove("ORDERS_URL");
    gateway.depends_on.clear();
    let (wanted, _) = up(&less);
    assert_plan(
        &observed,
        &(wanted, before.1.clone()),
        "1  stop gateway/1#1  (its settings changed)
         1  stop orders/1#1  (no longer wanted)
         2  close gateway->orders:8080  (no longer wanted)
         2  close orders->broker:9092  (no longer wanted)
         2  start gateway/1#2  (its settings changed)
         3  await gateway/1#2 healthy  (up means ready)",
    );
    // A subset leaves what it does not name.
    orders.depends_on.clear();
    let part = LaneOptions {
        services: Subset::WithDependencies(vec![name("broker")]),
        ..options()
    };
    let (wanted, _) = want(&shop(), &part);
    assert_plan(&observed, &(wanted, before.1), "nothing to do");
}

#[test]
fn an_edge_that_came_to_be_at_run_time_stays() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    let mut appeared = observed.edges[1].clone();
    appeared.id.port = 19092;
    observed.edges.push(appeared);
    assert_plan(&observed, &wanted, "nothing to do");
}

#[test]
fn fewer_replicas_stop_the_last_ones_and_reach_the_first() {
    let mut two = shop();
    two.services.get_mut("broker").unwrap().replicas = 2;
    let observed = all_ready(&up(&two).0);
    assert_plan(
        &observed,
        &up(&shop()),
        "1  stop broker/2#1  (no longer wanted)
         1  open orders->broker:9092  (where it leads changed)",
    );
}

#[test]
fn an_edge_whose_address_moved_is_closed_and_opened_and_its_caller_started_anew() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    let edge = &mut observed.edges[0];
    edge.listen = "127.64.9.9:8080".parse().unwrap();
    let gateway = observed
        .instances
        .iter_mut()
        .find(|i| i.id.service == "gateway");
    gateway.unwrap().hash = "with the old address".into();
    assert_plan(
        &observed,
        &wanted,
        "1  stop gateway/1#1  (its settings changed)
         2  close gateway->orders:8080  (its address moved)
         3  open gateway->orders:8080  (its address moved)
         4  start gateway/1#2  (its settings changed)
         5  await gateway/1#2 healthy  (up means ready)",
    );
}

#[test]
fn an_edge_left_refusing_is_opened_again_unless_a_fault_holds_its_callee() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    observed.edges[0].admission = Admission::Refuse;
    assert_plan(
        &observed,
        &wanted,
        "1  open gateway->orders:8080  (who may pass changed)",
    );
    *phase_of(&mut observed, "orders") = Phase::HeldDown;
    assert_plan(&observed, &wanted, "nothing to do");
}

#[test]
fn a_published_port_that_is_given_up_closes_its_edge() {
    let mut system = shop();
    let (wanted, book) = up(&system);
    let observed = all_ready(&wanted);
    system.services.get_mut("gateway").unwrap().ports.clear();
    let (wanted, _) = up(&system);
    assert_plan(
        &observed,
        &(wanted, book),
        "1  close client->gateway:8080  (no longer wanted)",
    );
    let id = EdgeId {
        lane: LaneName::main(),
        caller: Party::Client,
        callee: name("orders"),
        port: 8080,
    };
    let mut system = shop();
    publish(system.services.get_mut("orders").unwrap(), None, 8080);
    let (wanted, _) = up(&system);
    let opened = wanted.edges.iter().find(|edge| edge.id == id).unwrap();
    assert_eq!(opened.listen.ip().to_string(), "127.0.0.1");
}
