//! What `new` refuses: with one message, the right code, and nothing written.

use crate::ground::{Ground, SMALL};

#[test]
fn a_name_that_is_good_for_nothing_else_is_refused() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    for name in [
        "Inventory",
        "1st",
        "a_b",
        "a.b",
        "a/b",
        "../x",
        "a b",
        "ä",
        "é",
        "日本",
        "a--b",
        "a-",
        "",
        "test",
        "core",
        "std",
        "fn",
        "async",
        "con",
        "com1",
        "localhost",
        "build",
        "axum",
        "serde",
        "tower-http",
        &"x".repeat(51),
    ] {
        ground.refuses(name, &[], 2, &[]);
    }
    ground.refuses("stock", &["--template", "rust-axum"], 2, &[]);
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    for (answer, word) in [
        ("port=0", "1 to 65535"),
        ("port=http", "1 to 65535"),
        ("port=8080", "another service"),
        ("folder=..", "`..`"),
        ("folder=/etc", "inside the system's"),
        ("prot=8085", "did you mean `port`"),
        ("description=two\nlines", "one line"),
        ("description=", "give something"),
    ] {
        ground.refuses("younger", &["--set", answer], 2, &[word]);
    }
    let refused = ground
        .run(&["new", "younger", "--template", "rust-axun"])
        .expect(2);
    assert!(
        refused.stderr.contains("did you mean `rust-axum`"),
        "{}",
        refused.stderr
    );
    ground.run(&["new", "younger"]).expect(2);
}

#[test]
fn a_file_where_a_folder_is_to_be_is_an_answer_that_does_not_fit() {
    let ground = Ground::with(&[("compose.yaml", SMALL), ("notes", "mine")]);
    for folder in ["compose.yaml", "notes/deep"] {
        let folder = format!("folder={folder}");
        let words = [
            "does not fit `folder`",
            "is no folder",
            "hint: name a folder",
        ];
        ground.refuses("younger", &["--set", &folder], 2, &words);
    }
    let kept = format!("{SMALL}x-msvc: {{ contracts: notes }}\n");
    let ground = Ground::with(&[("compose.yaml", &kept), ("notes", "mine")]);
    let words = ["notes is no folder", "`x-msvc.contracts`"];
    ground.refuses("younger", &[], 4, &words);
}

#[test]
fn what_a_killed_run_left_is_told_as_unwired_with_what_to_remove() {
    for compose in [Some(SMALL), None] {
        let ground = Ground::repository();
        if let Some(text) = compose {
            std::fs::write(ground.path("compose.yaml"), text).unwrap();
        }
        ground.new_service("younger", &[]).expect(0);
        // As it is between the folder's move and the Compose file's.
        match compose {
            Some(text) => std::fs::write(ground.path("compose.yaml"), text).unwrap(),
            None => std::fs::remove_file(ground.path("compose.yaml")).unwrap(),
        }
        let stage = ground.path("services/.younger.msvc-new.abcdef");
        std::fs::create_dir(&stage).unwrap();
        let refused = ground.new_service("younger", &[]).expect(2);
        let said = refused
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        for word in [
            "services/younger exists already, and no service of a Compose file is built there",
            "services/younger and ",
            "contracts/pacts/younger-client-younger.json and try again",
        ] {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(!stage.exists(), "it ended early");
    }
    // One that is wired is not.
    let ground = Ground::with(&[(
        "compose.yaml",
        "services:\n  older: { build: services/younger }\n",
    )]);
    std::fs::create_dir_all(ground.path("services/younger")).unwrap();
    let refused = ground.new_service("younger", &["--set", "folder=services"]);
    let refused = refused.expect(2).stderr;
    assert!(!refused.contains("no service"), "{refused}");
}

#[test]
fn a_name_that_somebody_else_answers_to_is_refused() {
    let ground = Ground::with(&[
        (
            "compose.yaml",
            "services:\n  a: {image: x, container_name: taken, profiles: [p]}\n  b: {image: x, hostname: held}\nvolumes:\n  kept-data:\n",
        ),
        ("Cargo.toml", "[workspace]\nmembers = [\"old/*\"]\n"),
        ("old/x/Cargo.toml", "[package]\nname = \"elder\"\n"),
        ("services/there/README.md", "mine"),
        ("contracts/pacts/pacted-client-pacted.json", "{}"),
    ]);
    ground.refuses("a", &[], 2, &["has a service `a`"]);
    ground.refuses("taken", &[], 2, &["container_name"]);
    ground.refuses("held", &[], 2, &["hostname"]);
    ground.refuses("elder", &[], 2, &["package `elder`"]);
    ground.refuses("there", &[], 2, &["exists already"]);
    ground.refuses(
        "pacted",
        &[],
        2,
        &["exists already", "whatever folder a service is in"],
    );
    ground.refuses("kept", &[], 4, &["kept-data"]);
}

#[test]
fn a_file_that_cannot_be_read_or_changed_is_left_as_it_is() {
    for (text, word) in [
        ("services: [", "compose.yaml:1"),
        ("services:\n  a: {imagee: x}\n", "did you mean `image`"),
        ("x-all: &all\n  a: {image: x}\nservices: *all\n", "by hand"),
        (
            "x-v: &v {}\nservices:\n  a: {image: x}\nvolumes: *v\n",
            "by hand",
        ),
    ] {
        Ground::with(&[("compose.yaml", text)]).refuses("younger", &[], 4, &[word]);
    }
    let ground = Ground::repository();
    ground.refuses("younger", &["-f", "nowhere.yaml"], 4, &["nowhere.yaml"]);
    let broken = Ground::with(&[("Cargo.toml", "[workspace\n")]);
    broken.refuses("younger", &[], 4, &["Cargo.toml:1"]);
}

#[test]
fn a_link_out_of_the_repository_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    std::os::unix::fs::symlink(outside.path(), ground.path("services")).unwrap();
    ground.refuses("younger", &[], 2, &["outside"]);
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    std::os::unix::fs::symlink("nowhere", ground.path("dangling")).unwrap();
    ground.refuses("dangling", &["--set", "folder=."], 2, &["exists already"]);
    // A Compose file that is a link is changed where it is, and stays a link.
    let linked = Ground::with(&[("real/system.yaml", SMALL)]);
    std::os::unix::fs::symlink("real/system.yaml", linked.path("compose.yaml")).unwrap();
    linked.new_service("younger", &[]).expect(0);
    assert!(linked.path("compose.yaml").is_symlink());
    assert!(linked.read("real/system.yaml").contains("younger:"));
}

#[test]
fn where_nothing_can_be_written_nothing_is() {
    let ground = Ground::with(&[("compose.yaml", SMALL)]);
    let mut rights = std::fs::metadata(ground.path("compose.yaml"))
        .unwrap()
        .permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(ground.path("compose.yaml"), rights).unwrap();
    ground.refuses("younger", &[], 3, &["compose.yaml", "read-only"]);
    // Not even root makes a folder there.
    let refused = ground.run(&[
        "-C",
        "/proc",
        "new",
        "younger",
        "--template",
        "rust-axum",
        "--alone",
    ]);
    assert!(refused.expect(3).stderr.contains("cannot write"));
}
