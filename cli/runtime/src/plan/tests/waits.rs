//! Who is waited for, and for how long.

use super::*;

#[test]
fn an_unhealthy_or_restarting_service_is_waited_for() {
    let wanted = up(&shop());
    let mut observed = all_ready(&wanted.0);
    *phase_of(&mut observed, "orders") = Phase::Restarting;
    *phase_of(&mut observed, "broker") = Phase::Unhealthy;
    assert_plan(
        &observed,
        &wanted,
        "1  await orders/1#1 healthy  (up means ready)
         1  await broker/1#1 healthy  (up means ready)",
    );
}

/// A job that must have ended well before `web` starts.
fn with_job() -> System {
    let mut job = service("migrate");
    job.listens.clear();
    job.healthcheck = None;
    job.restart = RestartPolicy::No;
    let mut web = service("web");
    depends(&mut web, "migrate", Condition::ServiceCompletedSuccessfully);
    system(vec![web, job])
}

#[test]
fn a_job_is_awaited_to_its_end_and_not_run_again() {
    let wanted = up(&with_job());
    assert_plan(
        &Observed::default(),
        &wanted,
        "1  start migrate/1#1  (not there yet)
         2  await migrate/1#1 completed  (web needs it)
         3  start web/1#1  (not there yet)
         4  await web/1#1 healthy  (up means ready)",
    );
    let mut observed = all_ready(&wanted.0);
    *phase_of(&mut observed, "migrate") = Phase::Exited {
        status: Some(0),
        signal: None,
    };
    assert_plan(&observed, &wanted, "nothing to do");
    *phase_of(&mut observed, "migrate") = Phase::Exited {
        status: Some(3),
        signal: None,
    };
    assert_plan(
        &observed,
        &wanted,
        "1  stop migrate/1#1  (it ended with status 3)
         2  start migrate/1#2  (it ended with status 3)
         3  await migrate/1#2 completed  (up means ready)",
    );
}

#[test]
fn a_dependent_of_a_started_service_waits_for_nothing_more() {
    let mut web = service("web");
    depends(&mut web, "db", Condition::ServiceStarted);
    let wanted = up(&system(vec![web, service("db")]));
    assert_plan(
        &Observed::default(),
        &wanted,
        "1  start db/1#1  (not there yet)
         2  start web/1#1  (not there yet)
         2  await db/1#1 healthy  (up means ready)
         3  await web/1#1 healthy  (up means ready)",
    );
}

#[test]
fn several_dependents_share_one_wait_and_replicas_are_awaited_each() {
    let mut a = service("a");
    let mut b = service("b");
    let mut db = service("db");
    db.replicas = 2;
    for dependent in [&mut a, &mut b] {
        depends(dependent, "db", Condition::ServiceHealthy);
    }
    assert_plan(
        &Observed::default(),
        &up(&system(vec![a, b, db])),
        "1  start db/1#1  (not there yet)
         1  start db/2#1  (not there yet)
         2  await db/1#1 healthy  (a, b need it)
         2  await db/2#1 healthy  (a, b need it)
         3  start a/1#1  (not there yet)
         3  start b/1#1  (not there yet)
         4  await a/1#1 healthy  (up means ready)
         4  await b/1#1 healthy  (up means ready)",
    );
}

#[test]
fn a_dependency_that_is_not_required_is_awaited_but_may_fail() {
    let mut web = service("web");
    depends(&mut web, "cache", Condition::ServiceHealthy);
    web.depends_on[0].required = false;
    let (wanted, book) = up(&system(vec![web, service("cache")]));
    let plan = decide(&Observed::default(), &wanted, &book);
    let optional: Vec<String> = plan
        .steps
        .iter()
        .filter(|planned| planned.optional)
        .map(|planned| planned.step.deed.to_string())
        .collect();
    assert_eq!(optional, ["await shop/main/cache/1#1 healthy"]);
}

#[test]
fn waits_are_bounded_later_than_the_healthcheck_gives_up() {
    let mut bare = service("bare");
    bare.healthcheck = None;
    let (wanted, book) = up(&system(vec![service("web"), bare]));
    let plan = decide(&Observed::default(), &wanted, &book);
    let bounds: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|planned| planned.within)
        .collect();
    // 10 s start period, 4 rounds of 5 s + 2 s, 30 s slack; without a healthcheck 60 s.
    assert_eq!(bounds, [Duration::from_secs(68), Duration::from_secs(60)]);
}

#[test]
fn a_circle_of_dependencies_does_not_hang() {
    let mut a = service("a");
    let mut b = service("b");
    depends(&mut a, "b", Condition::ServiceHealthy);
    depends(&mut b, "a", Condition::ServiceHealthy);
    let (wanted, book) = up(&system(vec![a, b]));
    assert!(!decide(&Observed::default(), &wanted, &book).is_empty());
}
