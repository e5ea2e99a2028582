//! Where `msvc config` reads from and prints to: files, links, standard input.

use std::process::Command;

use super::{config, folder};
use crate::support::{beside, finish, until};

#[test]
fn the_result_goes_into_a_file_or_nowhere() {
    let files = folder(&[("compose.yaml", "name: f\nservices: {a: {image: a}}\n")]);
    assert_eq!(
        config(files.path(), &["--output", "out.yaml"])
            .expect(0)
            .stdout,
        ""
    );
    let written = std::fs::read_to_string(files.path().join("out.yaml")).unwrap();
    assert_eq!(written, config(files.path(), &[]).expect(0).stdout);
    assert_eq!(config(files.path(), &["-q"]).expect(0).stdout, "");
    let nowhere = config(files.path(), &["--output", "no/such/out.yaml"]);
    assert_eq!(nowhere.code(), 3, "{}", nowhere.stderr);
}

#[test]
fn what_a_link_leads_to_is_written_with_its_rights_and_what_is_no_file_stays() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let files = folder(&[
        ("compose.yaml", "name: f\nservices: {a: {image: a}}\n"),
        ("kept.yaml", "old"),
    ]);
    let at = |name: &str| files.path().join(name);
    let rights = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(at("kept.yaml"), rights).unwrap();
    symlink("kept.yaml", at("link.yaml")).unwrap();
    symlink("/proc/self/fd/1", at("out")).unwrap();
    let said = config(files.path(), &[]).expect(0).stdout;
    config(files.path(), &["-o", "link.yaml"]).expect(0);
    assert_eq!(std::fs::read_to_string(at("kept.yaml")).unwrap(), said);
    let mode = std::fs::metadata(at("kept.yaml")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o640);
    assert_eq!(config(files.path(), &["-o", "out"]).expect(0).stdout, said);
    for link in ["link.yaml", "out"] {
        assert!(at(link).is_symlink(), "{link}");
    }
}

#[test]
fn a_file_comes_on_standard_input() {
    let files = folder(&[
        (
            "in.yaml",
            "services: {a: {image: a, env_file: e.env, volumes: [\"./v:/v\"]}}\n",
        ),
        ("e.env", "E=1\n"),
        ("compose.yaml", "services: {other: {image: o}}\n"),
        (
            "compose.msvc.yaml",
            "services: {a: {x-msvc: {owner: me}}}\n",
        ),
    ]);
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
        command
            .args(["-f", "-", "-p", "read"])
            .args(words)
            .current_dir(files.path())
            .env_clear()
            .env("HOME", "/HOME")
            .env("MSVC_RUNTIME", "process")
            .stdin(std::fs::File::open(files.path().join("in.yaml")).unwrap());
        finish(command)
    };
    let named = config(
        files.path(),
        &["-f", "in.yaml", "-f", "compose.msvc.yaml", "-p", "read"],
    );
    assert_eq!(run(&["config"]).expect(0).stdout, named.expect(0).stdout);
    // Who reads it twice reads the same twice.
    assert!(run(&["config", "--edges"]).expect(0).stderr.is_empty());
    assert!(
        run(&["ps"])
            .expect(0)
            .stdout
            .contains("read is not running")
    );
    std::fs::write(files.path().join("in.yaml"), "services: {a: {imag: a}}\n").unwrap();
    let wrong = run(&["config"]).expect(4).stderr;
    let line = "    1 | services: {a: {imag: a}}\n      |                ^~~~\n";
    assert!(wrong.contains(line), "{wrong}");
    let new = run(&["new", "b", "--template", "rust-axum", "--no-input"]);
    assert_eq!(new.code(), 4, "{}", new.stderr);
    assert!(new.stderr.contains("can be changed"), "{}", new.stderr);
}

#[test]
fn who_thinks_better_of_typing_a_file_ends_it_with_a_signal() {
    let files = folder(&[]);
    for signal in ["INT", "TERM", "HUP"] {
        let (input, _writer) = std::io::pipe().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_msvc"));
        command
            .args(["-f", "-", "config"])
            .current_dir(files.path())
            .stdin(input);
        let running = beside(command);
        let status = format!("/proc/{}/status", running.pid());
        // Signals are taken as what they are from then on.
        until("signals to be taken", || {
            let status = std::fs::read_to_string(&status).ok()?;
            let caught = status.lines().find_map(|it| it.strip_prefix("SigCgt:"))?;
            let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
            let wanted = [1_u64, 2, 15]
                .iter()
                .all(|it| caught & (1 << (it - 1)) != 0);
            wanted.then_some(())
        });
        running.signal(signal);
        let ended = running.finish();
        assert_eq!(
            (ended.code(), ended.stderr.as_str()),
            (130, "error: interrupted\n")
        );
    }
}
