//! Ports of the host that come, move and go while a mesh runs.

use super::*;

#[test]
fn a_port_added_while_a_mesh_runs_gets_a_door_and_the_mesh_stays() {
    let wish = mesh("shop_default", "10.9.0.0/24");
    let text = "services:\n  web: {image: x, ports: [\"8080:80\"]}\n";
    let first = want(text, Some(&wish)).unwrap();
    let there = running(&first, &wish);
    let more = "services:\n  web: {image: x, ports: [\"8080:80\", \"9090:90\"]}\n";
    let wanted = want(more, Some(&there)).unwrap();
    let mesh = of_kind(&first, Kind::Mesh)[0];
    assert_eq!(of_kind(&wanted, Kind::Mesh)[0].hash, mesh.hash);
    assert_eq!(
        edge(&wanted, "client->web:80").listen.to_string(),
        "0.0.0.0:20000"
    );
    assert_eq!(
        edge(&wanted, "client->web:90").listen.to_string(),
        "0.0.0.0:20001"
    );
    let door = of_kind(&wanted, Kind::Door)[0];
    let program = &door.create["create"];
    assert_eq!(
        program["HostConfig"]["PortBindings"]["20001/tcp"][0]["HostPort"],
        "9090"
    );
    assert!(
        program["Cmd"][3].as_str().unwrap().ends_with(":20001"),
        "{program}"
    );
    let plan = steps(&observed(&[mesh]), &wanted, "msvc-mesh");
    let made = ["make place of", "make door"].map(|it| plan.iter().any(|line| line.contains(it)));
    assert_eq!((made, plan.len()), ([true, true], 2), "{plan:?}");
}

#[test]
fn a_port_that_moved_or_is_given_up_is_closed_and_told_and_a_door_goes() {
    let wish = mesh("shop_default", "10.9.0.0/24");
    let text = |port: &str| format!("services:\n  web: {{image: x, ports: [{port}]}}\n");
    let first = want(&text("\"8080:80\""), Some(&wish)).unwrap();
    let mut there = running(&first, &wish);
    let moved = want(&text("\"9090:80\""), Some(&there)).unwrap();
    // Whoever comes in by the port that was given up meets nobody.
    assert_eq!(
        edge(&moved, "client->web:80").listen.to_string(),
        "0.0.0.0:20001"
    );
    let told: Vec<&String> = moved.warnings.iter().map(|it| &it.what).collect();
    assert!(
        told[0].contains("the host's port 8080 leads nowhere any more"),
        "{told:?}"
    );

    let door = of_kind(&moved, Kind::Door)[0].clone();
    let label = door.create["create"]["Labels"]["msvc.door"].clone();
    let opening = serde_json::from_str(label.as_str().unwrap()).unwrap();
    there.doors = vec![Door { number: 3, opening }];
    let again = want(&text("\"9090:80\""), Some(&there)).unwrap();
    assert_eq!(
        of_kind(&again, Kind::Door)[0].hash,
        door.hash,
        "it stays as it is"
    );

    let back = want(&text("\"8080:80\""), Some(&there)).unwrap();
    assert!(of_kind(&back, Kind::Door).is_empty() && back.warnings.is_empty());
    assert_eq!(
        edge(&back, "client->web:80").listen.to_string(),
        "0.0.0.0:20000"
    );
    let mesh = of_kind(&back, Kind::Mesh)[0];
    let plan = steps(&observed(&[mesh, &door]), &back, "door");
    assert_eq!(
        plan,
        ["1  remove door shop-msvc-mesh-3  (no longer wanted)"]
    );
}

#[test]
fn a_port_of_the_meshs_own_leads_to_whoever_asks_for_it_now() {
    let wish = mesh("shop_default", "10.9.0.0/24");
    let text = |web: &str, gate: &str| {
        format!(
            "services:\n  web: {{image: x, expose: [80], ports: [{web}]}}\n  \
             gate: {{image: x, expose: [80], ports: [{gate}]}}\n"
        )
    };
    let first = want(&text("\"8080:80\", \"8081:80\"", ""), Some(&wish)).unwrap();
    let there = running(&first, &wish);
    let listens = |wanted: &Wanted| {
        let edges = wanted.edges.iter();
        let own = edges.filter(|it| it.listen.ip().is_unspecified());
        let own = own.map(|it| format!("{} {} {:?}", it.id, it.listen.port(), it.caller_replica));
        own.collect::<Vec<_>>()
    };
    let both = ["client->web:80 20000 None", "client->web:80 20001 Some(2)"];
    assert_eq!(listens(&first), both);
    for (web, gate, wanted, told) in [
        (
            "\"8080:80\"",
            "\"8081:80\"",
            ["client->web:80 20000 None", "client->gate:80 20001 None"],
            "",
        ),
        (
            "\"8081:80\"",
            "\"127.0.0.1:8080:80\"",
            ["client->web:80 20001 None", "client->gate:80 20000 None"],
            "8080 stays open at every address, and not at 127.0.0.1 alone",
        ),
    ] {
        let moved = want(&text(web, gate), Some(&there)).unwrap();
        let mut got = listens(&moved);
        got.sort_unstable();
        let mut wanted = wanted.map(str::to_owned);
        wanted.sort_unstable();
        assert_eq!(got, wanted);
        assert!(of_kind(&moved, Kind::Door).is_empty());
        let warnings: Vec<&String> = moved.warnings.iter().map(|it| &it.what).collect();
        assert_eq!(warnings.is_empty(), told.is_empty(), "{warnings:?}");
        assert!(
            told.is_empty() || warnings[0].contains(told),
            "{warnings:?}"
        );
    }
    // Two addresses of the host where one listener stands for all of them: a door could not have it.
    let split = text("\"127.0.0.1:8080:80\"", "\"127.0.0.2:8080:80\"");
    let split = want(&split, Some(&there)).unwrap();
    let doors = of_kind(&split, Kind::Door);
    let error = crate::docker::published::by_the_mesh(&there, doors.into_iter()).unwrap();
    assert!(
        error
            .to_string()
            .contains("127.0.0.2:8080 is taken by shop-msvc-mesh-1"),
        "{error}"
    );
}

#[test]
fn who_takes_a_port_of_the_host_starts_once_all_that_ends_has_ended() {
    let text = |web: &str, gate: &str| {
        format!("services:\n  web: {{image: x{web}}}\n  gate: {{image: x{gate}}}\n")
    };
    let port = ", ports: [\"8080:80\"]";
    let before = want(&text(port, ""), None).unwrap();
    let mut there = observed(&[]);
    let ready = before.instances.iter();
    there
        .instances
        .extend(ready.map(|spec| ready_at(&spec.id, &spec.hash)));
    let after = want(&text("", port), None).unwrap();
    let plan = decide(&there, &after, &Book::default());
    let place = |words: &str| {
        let mut steps = plan.steps.iter();
        steps.position(|it| it.step.deed.to_string().contains(words))
    };
    let (stop, start) = (
        place("stop shop/main/web/1"),
        place("start shop/main/gate/1"),
    );
    let start = &plan.steps[start.unwrap()];
    assert!(start.after.contains(&stop.unwrap()), "{plan}");
}
