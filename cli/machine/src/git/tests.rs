//! What is fetched, what is not, and how long anybody waits for it. The repositories stand in folders
//! of the tests' own; nothing leaves the machine.

use super::*;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let identity = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@t",
        "-c",
        "commit.gpgsign=false",
    ];
    let done = Command::new("git")
        .args(identity)
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// A repository with a file on `main`, an older one at the tag `v1`, and its address.
fn repository(folder: &Path) -> String {
    let work = folder.join("work");
    fs::create_dir(&work).unwrap();
    git(&work, &["init", "--quiet", "--initial-branch=main"]);
    for (text, tag) in [("one", "v1"), ("two", "v2")] {
        fs::write(work.join("file"), text).unwrap();
        git(&work, &["add", "."]);
        git(&work, &["commit", "--quiet", "-m", text]);
        git(&work, &["tag", tag]);
    }
    git(&work, &["branch", "other/main", "v1"]);
    git(folder, &["clone", "--quiet", "--bare", "work", "bare.git"]);
    format!("file://{}/bare.git", folder.display())
}

fn fetching(folder: &Path) -> Git {
    Git {
        program: "git".into(),
        cache: folder.join("cache"),
        limit: Duration::from_secs(60),
        shutdown: Shutdown::new(),
    }
}

#[test]
fn a_ref_is_fetched_once_and_kept_by_its_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (remote, fetching) = (repository(folder.path()), fetching(folder.path()));
    let text = |reference: Option<&str>| {
        let at = fetching.checkout(&remote, reference).unwrap();
        fs::read_to_string(at.join("file")).unwrap()
    };
    assert_eq!(text(None), "two");
    assert_eq!(
        (text(Some("v1")), text(Some("main"))),
        ("one".into(), "two".into())
    );
    assert_eq!(text(Some("refs/heads/other/main")), "one");
    let commit = git(&folder.path().join("work"), &["rev-parse", "v1"]);
    // What is known by its whole name is there even where the repository is gone.
    fs::remove_dir_all(folder.path().join("bare.git")).unwrap();
    assert_eq!(text(Some(&commit)), "one");
    assert!(fetching.checkout(&remote, Some("v1")).is_err());
    let kept: Vec<_> = fs::read_dir(fetching.cache).unwrap().flatten().collect();
    let kept = fs::read_dir(kept[0].path()).unwrap().flatten();
    let mut names: Vec<_> = kept.map(|it| it.file_name().len()).collect();
    names.sort_unstable();
    let lock = ".lock".len();
    assert_eq!(names, [lock, 40, 40], "nothing but the two commits is left");
}

#[test]
fn what_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (remote, fetching) = (repository(folder.path()), fetching(folder.path()));
    let said = |remote: &str, reference| {
        let why = fetching.checkout(remote, Some(reference)).unwrap_err();
        why.to_string()
    };
    assert!(said(&remote, "nope").ends_with("has no branch, tag or commit `nope`"));
    let gone = said("file://u:secret@host/no/such.git", "main");
    assert!(
        gone.starts_with("git cannot reach file://…@host/no/such.git: "),
        "{gone}"
    );
    assert!(!gone.contains("secret"), "{gone}");
    let missing = said(&remote, &"a".repeat(40));
    let wanted = format!("has no branch, tag or commit `{}`", "a".repeat(40));
    assert!(missing.ends_with(&wanted), "{missing}");
}

#[test]
fn no_address_or_ref_is_an_option_or_another_way() {
    let folder = tempfile::tempdir().unwrap();
    let fetching = Git {
        program: "/bin/false".into(),
        ..fetching(folder.path())
    };
    for (remote, reference) in [
        ("--upload-pack=touch x", "main"),
        ("ext::sh -c touch% x", "main"),
        ("/a/folder", "main"),
        ("-o@host:path", "main"),
        ("git@-oProxyCommand=x:path", "main"),
        ("ssh://-oProxyCommand=x/path", "main"),
        ("ssh://git@-oProxyCommand=x/path", "main"),
        ("https://host/r.git", "--upload-pack=x"),
    ] {
        let why = fetching.checkout(remote, Some(reference)).unwrap_err();
        assert!(matches!(why, GitError::Refused(_)), "{remote}: {why}");
    }
    for remote in ["https://host/r.git", "git@host:o/r.git", "SSH://git@host/r"] {
        let why = fetching.checkout(remote, None).unwrap_err();
        assert!(matches!(why, GitError::Failed { .. }), "{remote}: {why}");
    }
}

#[test]
fn nobody_waits_for_a_host_that_does_not_answer_or_is_not_wanted() {
    let folder = tempfile::tempdir().unwrap();
    // It takes connections, and never says a word.
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = format!("git://{}/r", host.local_addr().unwrap());
    let fetching = Git {
        limit: Duration::from_millis(1),
        ..fetching(folder.path())
    };
    let why = fetching.checkout(&remote, None).unwrap_err();
    assert!(matches!(why, GitError::TooLong { .. }), "{why}");
    let patient = Git {
        limit: Duration::from_secs(600),
        ..fetching
    };
    patient.shutdown.request();
    let why = patient.checkout(&remote, None).unwrap_err();
    assert!(matches!(why, GitError::Interrupted(_)), "{why}");
}
