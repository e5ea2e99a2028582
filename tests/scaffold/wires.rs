//! The Compose file with the service in it: comments, layout, styles, places.

use std::process::Command;

use crate::ground::{Ground, SMALL};
use crate::support::{self, finish, root};

#[test]
fn the_compose_file_keeps_its_comments_and_gets_the_service_at_a_port_that_is_free() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    ground.new_service("younger", &[]).expect(0);
    let after = ground.read("compose.yaml");
    let (head, tail) = SMALL.split_once("\n# The end.\n").unwrap();
    assert!(after.starts_with(head), "{after}");
    assert!(
        after.contains("\n# The end.\n") && tail.is_empty(),
        "{after}"
    );
    assert!(
        after.contains("  younger:\n    build: ./services/younger\n"),
        "{after}"
    );
    assert!(!after.contains("\"8080:8080\""), "{after}");
    // It can be done again, and every name of it is known then.
    ground.refuses("younger", &[], 2, &["`younger` is taken"]);
    ground.refuses("elder", &[], 2, &["`elder` is taken"]);
    ground.new_service("youngest", &[]).expect(0);
    let resolved = ground.read("compose.yaml");
    let ports: Vec<&str> = resolved
        .lines()
        .filter(|line| line.contains(":8080\"]"))
        .collect();
    assert_eq!(ports.len(), 2);
    assert_ne!(ports[0], ports[1]);
}

#[test]
fn a_compose_file_that_names_no_service_yet_is_filled_and_keeps_what_it_says() {
    for (before, kept) in [
        ("", ""),
        ("# Ours, soon.\n", "# Ours, soon.\n\n"),
        ("services:\n", ""),
        ("# a\nname: soon\n\nservices: {}\n", "# a\nname: soon\n\n"),
        (
            "volumes: {kept: {}}\n\n",
            "volumes: {kept: {}, \"younger-data\": null}\n\n",
        ),
    ] {
        let ground = Ground::with(&[("compose.yaml", before)]);
        ground.new_service("younger", &[]).expect(0);
        let after = ground.read("compose.yaml");
        let wanted = format!("{kept}services:\n  younger:\n");
        assert!(after.starts_with(&wanted), "{before:?} became {after}");
    }
}

#[test]
fn the_name_of_the_mesh_is_no_name_of_a_service() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    ground.refuses("msvc-mesh", &[], 4, &["`msvc-mesh` is taken"]);
}

#[test]
fn the_shops_file_takes_a_service_and_loses_no_line() {
    let shop = std::fs::read_to_string(root().join("sample-system/compose.yaml")).unwrap();
    let ground = Ground::with(&[("sample/compose.yaml", &shop)]);
    let made = ground.run(&[
        "-C",
        "sample",
        "new",
        "stock",
        "--template",
        "rust-axum",
        "--format",
        "json",
    ]);
    let made = made.expect(0).json();
    assert_eq!(made["compose"]["file"], "sample/compose.yaml");
    assert_eq!(made["folder"], "sample/services/stock");
    // The shop names the folder of its contracts itself.
    assert_eq!(made["contracts"], "contracts/pacts");
    let diff = made["compose"]["diff"].as_str().unwrap();
    assert!(
        diff.lines().skip(2).all(|line| !line.starts_with('-')),
        "{diff}"
    );
    let after = ground.read("sample/compose.yaml");
    let kept: Vec<&str> = after
        .lines()
        .filter(|line| shop.lines().any(|l| l == *line))
        .collect();
    assert!(shop.lines().all(|line| kept.contains(&line)));
    assert!(after.find("  stock:").unwrap() < after.find("\nvolumes:").unwrap());
    assert!(
        ground
            .path("contracts/pacts/stock-client-stock.json")
            .exists()
    );
    let consumer = ground.read("sample/services/stock/client/tests/consumer.rs");
    assert!(
        consumer.contains("\"../../../../contracts/pacts\""),
        "{consumer}"
    );
}

#[test]
fn files_in_other_styles_take_a_service_too() {
    for text in [
        "services: {elder: {image: x}}\n",
        "services: {}\nvolumes: {kept: {}}\n",
        "{\n  \"services\": {\n    \"elder\": {\"image\": \"x\"}\n  }\n}\n",
        "services:\r\n    elder:\r\n        image: x\r\n",
        "---\nservices:\n  elder:\n    image: x\n...\n",
        "name: t\nservices:\n  elder: &e\n    image: x\n  other: *e",
        "\u{feff}services:\n  elder:\n    image: x\t# tabs\n\n\n\n",
    ] {
        let ground = Ground::with(&[("compose.yaml", text)]);
        ground.new_service("younger", &[]).expect(0);
        let after = ground.read("compose.yaml");
        assert_eq!(after.contains("\r\n"), text.contains("\r\n"));
        // Whoever reads the system finds both; the first thing `up` does is to read it.
        let seen = ground.run(&["up", "--dry-run", "younger"]).expect(0);
        assert!(seen.stdout.contains("younger"), "{}", seen.stdout);
    }
}

#[test]
fn paths_with_blanks_and_folders_below_the_system_are_no_obstacle() {
    let ground = Ground::with(&[
        ("my system/compose.yaml", SMALL),
        ("my system/deep/er/x", ""),
    ]);
    let made = ground.run(&[
        "-C",
        "my system/deep/er",
        "new",
        "younger",
        "--template",
        "rust-axum",
        "--set",
        "folder=a $b/c",
        "--format",
        "json",
    ]);
    assert_eq!(made.expect(0).json()["folder"], "my system/a $b/c/younger");
    let after = ground.read("my system/compose.yaml");
    assert!(after.contains("build: \"./a $$b/c/younger\""), "{after}");
    let plan = ground
        .run(&["-C", "my system", "up", "--dry-run", "younger"])
        .expect(0);
    assert!(plan.stdout.contains("a $b/c/younger"), "{}", plan.stdout);
}

#[test]
fn a_compose_file_above_the_repository_is_not_this_ones() {
    let outer = tempfile::tempdir().unwrap();
    std::fs::write(outer.path().join("compose.yaml"), SMALL).unwrap();
    let inner = outer.path().join("inner");
    std::fs::create_dir_all(inner.join(".git")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
    command
        .args(["new", "younger", "--template", "rust-axum"])
        .current_dir(&inner);
    finish(command).expect(0);
    assert_eq!(support::read(&outer.path().join("compose.yaml")), SMALL);
    assert!(inner.join("compose.yaml").exists());
}

#[test]
fn a_service_is_put_on_the_networks_that_all_others_share() {
    let ground = Ground::with(&[(
        "compose.yaml",
        "services:\n  a: {image: x, networks: [inner, outer]}\n  b: {image: x, networks: [inner]}\nnetworks:\n  inner:\n  outer:\n",
    )]);
    ground.new_service("younger", &[]).expect(0);
    let after = ground.read("compose.yaml");
    assert!(
        after.contains("    networks:\n      - inner\n    healthcheck:"),
        "{after}"
    );
}

#[test]
fn a_system_whose_services_all_need_profiles_takes_a_service_that_needs_none() {
    let text = "services:
  # Only when asked for.
  a: {build: ./parts/a, profiles: [one], ports: ['8080:80'], x-msvc: {owner: us}}
  b:
    build: ./parts/b
    profiles: [two]
    container_name: same
    x-msvc: {owner: us}
  c: {image: x, profiles: [one], container_name: same}
";
    for profiles in [&[][..], &["--profile", "one"], &["--profile", "two"]] {
        let ground = Ground::with(&[("compose.yaml", text)]);
        let made = ground.new_service("younger", profiles).expect(0);
        assert!(made.stdout.contains("parts/younger"), "{}", made.stdout);
        let after = ground.read("compose.yaml");
        assert!(after.starts_with(text), "{after}");
        assert!(!after.contains("\"8080:8080\""), "{after}");
        assert!(after.contains("owner: us\n"), "{after}");
        let plan = ground.run(&["up", "--dry-run"]).expect(0);
        assert!(plan.stdout.contains("younger"), "{}", plan.stdout);
        // The names of those that rest are taken.
        ground.refuses("same", &[], 2, &["`same` is taken"]);
    }
}
