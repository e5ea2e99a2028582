//! All of a plan, or nothing of it.

use super::*;

fn file(path: &str) -> File {
    File {
        path: path.to_owned(),
        bytes: path.as_bytes().to_vec(),
    }
}

/// A plan for a folder with a Compose file in it.
fn plan(root: &Path) -> Plan {
    fs::write(root.join("compose.yaml"), "before").unwrap();
    Plan {
        name: "stock".to_owned(),
        template: "t".to_owned(),
        shown_from: root.to_path_buf(),
        target: root.join("services/stock"),
        files: vec![file("a"), file("src/b"), file(".c")],
        contracts: root.join("contracts/pacts"),
        pacts: vec![file("p.json")],
        compose: Some(ComposeChange {
            path: root.join("compose.yaml"),
            before: Some(b"before".to_vec()),
            after: b"after".to_vec(),
            schema: None,
        }),
        port: None,
        notes: Vec::new(),
    }
}

/// Every path below a folder, with what is in the files.
fn tree(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.push((path.clone(), Vec::new()));
            found.extend(tree(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn everything_is_there_with_the_rights_of_any_new_file_and_nothing_else_is() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan(root.path());
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(root.path().join("compose.yaml"), mode).unwrap();
    write(&plan).unwrap();
    let found = tree(root.path());
    assert_eq!(found.len(), 10, "{found:#?}");
    assert_eq!(fs::read(plan.target.join("src/b")).unwrap(), b"src/b");
    assert_eq!(
        fs::read(root.path().join("compose.yaml")).unwrap(),
        b"after"
    );
    let rights = |path: &str| fs::metadata(root.path().join(path)).unwrap().mode() & 0o777;
    fs::write(root.path().join("usual"), "").unwrap();
    fs::create_dir(root.path().join("folder")).unwrap();
    assert_eq!(rights("compose.yaml"), 0o640);
    assert_eq!(rights("services/stock/a"), rights("usual"));
    assert_eq!(rights("contracts/pacts/p.json"), rights("usual"));
    assert_eq!(rights("services/stock"), rights("folder"));
}

#[test]
fn whatever_fails_nothing_is_left() {
    type Break = fn(&mut Plan);
    let breaks: [(&str, Break); 6] = [
        ("the target came meanwhile", |plan| {
            fs::create_dir_all(&plan.target).unwrap()
        }),
        ("the Compose file was changed meanwhile", |plan| {
            fs::write(plan.shown_from.join("compose.yaml"), "other").unwrap();
        }),
        ("the pact came meanwhile", |plan| {
            fs::create_dir_all(&plan.contracts).unwrap();
            fs::write(plan.contracts.join("p.json"), "").unwrap();
        }),
        ("a file stands where a folder is to be", |plan| {
            fs::write(plan.shown_from.join("contracts"), "").unwrap();
        }),
        ("the Compose file is read-only", |plan| {
            let path = plan.shown_from.join("compose.yaml");
            fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
        }),
        ("a file cannot have such a name", |plan| {
            plan.files.push(file(&"x".repeat(300)))
        }),
    ];
    for (what, break_it) in breaks {
        let root = tempfile::tempdir().unwrap();
        let mut plan = plan(root.path());
        break_it(&mut plan);
        let before = tree(root.path());
        let failed = write(&plan);
        assert!(
            matches!(failed, Err(ScaffoldError::Write { .. })),
            "{what}: {failed:?}"
        );
        assert_eq!(tree(root.path()), before, "{what}");
    }
}

#[test]
fn the_schema_of_a_new_compose_file_goes_beside_it_or_is_taken_back_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("compose.schema.json");
    let mut plan = plan(folder.path());
    let change = plan.compose.as_mut().unwrap();
    change.schema = Some(schema.clone());
    change.before = None;
    // The Compose file is there already, so that the last step fails.
    write(&plan).unwrap_err();
    assert!(!schema.exists());
    fs::remove_file(folder.path().join("compose.yaml")).unwrap();
    write(&plan).unwrap();
    assert_eq!(
        fs::read_to_string(&schema).unwrap(),
        msvc_system::schema::text()
    );
}
