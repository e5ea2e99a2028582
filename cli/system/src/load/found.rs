//! Which files are read where none is named, and whose setting counts.

use std::path::{Path, PathBuf};

use super::resolve;
use super::testing::{load_files, request};
use crate::files::Files;

#[test]
fn files_are_found_above_and_the_override_is_laid_over() {
    let above = super::LoadRequest {
        directory: "/system/deep/er".into(),
        ..request()
    };
    let files = [
        (
            "docker-compose.yml",
            "services: {a: {image: base, tty: true}}",
        ),
        (
            "docker-compose.override.yml",
            "services: {a: {image: over}}",
        ),
    ];
    let system = load_files(&above, &files).unwrap().system;
    assert_eq!(system.root, Path::new("/system"));
    assert_eq!(
        system.service("a").unwrap().image.as_ref().unwrap().value,
        "over"
    );
    assert_eq!(system.files.len(), 2);
}

#[test]
fn the_project_directory_is_looked_in_and_above() {
    let files = [
        ("compose.yaml", "services: {a: {image: here}}"),
        ("other/compose.yaml", "services: {a: {image: there}}"),
    ];
    for (folder, image) in [
        ("/system/other", "there"),
        ("/system/deep/../other", "there"),
        ("/system/other/deep", "there"),
        ("/system/deep", "here"),
    ] {
        let asked = super::LoadRequest {
            project_directory: Some(folder.into()),
            ..request()
        };
        let system = load_files(&asked, &files).unwrap().system;
        let service = system.service("a").unwrap();
        assert_eq!(service.image.as_ref().unwrap().value, image, "{folder}");
    }
}

#[test]
fn the_environment_goes_before_dotenv_and_names_the_project() {
    let mut request = request();
    request.environment.insert("A".into(), "outer".into());
    let files = [
        (
            ".env",
            "A=inner\nB=dot\nCOMPOSE_PROJECT_NAME=named\nCOMPOSE_FILE=x.yaml\n",
        ),
        (
            "x.yaml",
            "name: top\nservices: {a: {image: '$A-$B-$COMPOSE_PROJECT_NAME', environment: [A, NO]}}",
        ),
    ];
    let system = load_files(&request, &files).unwrap().system;
    let a = system.service("a").unwrap();
    assert_eq!(a.image.as_ref().unwrap().value, "outer-dot-named");
    assert_eq!(
        (a.environment["A"].value.as_str(), a.environment.len()),
        ("outer", 1)
    );
    request.project = Some("asked".into());
    assert_eq!(
        load_files(&request, &files).unwrap().system.name.as_str(),
        "asked"
    );
    request.project = Some("No Name".into());
    assert!(
        load_files(&request, &files)
            .unwrap_err()
            .to_string()
            .starts_with("`No Name` is no project name")
    );
}

#[test]
fn env_files_stand_below_environment() {
    let files = [
        (
            "compose.yaml",
            "services: {a: {image: a, env_file: [{path: one.env, format: ''}, {path: two.env, required: false}, {path: raw.env, format: raw}], environment: {B: over}}}",
        ),
        ("one.env", "A=1\nB=2\nC=\"$A\"\n"),
        ("raw.env", "D='$A'\n"),
    ];
    let system = load_files(&request(), &files).unwrap().system;
    let settings: Vec<_> = system
        .service("a")
        .unwrap()
        .environment
        .iter()
        .map(|(k, v)| format!("{k}={}@{}", v.value, v.place))
        .collect();
    assert_eq!(
        settings,
        [
            "A=1@one.env:1:1",
            "B=over@compose.yaml:1:148",
            "C=1@one.env:3:1",
            "D='$A'@raw.env:1:1"
        ]
    );
}

#[test]
fn a_setting_without_a_name_is_printed_and_given_to_nobody() {
    let files = [
        (
            "compose.yaml",
            "services: {a: {image: a, env_file: e.env}}\n",
        ),
        ("e.env", "A=1\n=x\n"),
    ];
    let problems = load_files(&request(), &files).unwrap_err().to_string();
    assert_eq!(
        problems,
        "e.env:2:1: a setting without a name (write NAME=value)"
    );
}

#[test]
fn a_file_of_settings_is_read_once_for_each_service_that_names_it() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let files = crate::files::Files::new(move |path, _| {
        let name = path.file_name().and_then(std::ffi::OsStr::to_str);
        match name {
            Some("compose.yaml") => {
                Ok(b"services: {a: {image: a, env_file: s.env, label_file: s.env}}".to_vec())
            }
            Some("s.env") => {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(b"A=1\n".to_vec())
            }
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    });
    let system = super::load(&request(), &files).unwrap().system;
    let service = system.service("a").unwrap();
    assert_eq!(
        (
            service.environment["A"].value.as_str(),
            service.labels["A"].as_str()
        ),
        ("1", "1")
    );
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

#[test]
fn a_setting_without_a_name_stays_when_a_further_file_is_laid_over_it() {
    let files = [
        (
            "compose.yaml",
            "services: {a: {build: {context: ., args: [=x]}}}\n",
        ),
        ("compose.override.yaml", "services: {}\n"),
    ];
    let loaded = load_files(&request(), &files).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(
        loaded.system.written.resolved()["services"]["a"]["build"]["args"][""],
        "x"
    );
}

#[test]
fn an_env_file_that_disables_itself_gives_only_what_is_docker_composes_own() {
    const TEXT: &str = "services: {a: {image: 'a:${T-none}', profiles: [p]}}\n";
    let image = |set: Option<&str>, env: &str, more: &[PathBuf]| {
        let mut request = request();
        request.env_files = more.to_vec();
        let set = set.map(|set| ("COMPOSE_DISABLE_ENV_FILE".to_owned(), set.to_owned()));
        request.environment.extend(set);
        let files = [("compose.yaml", TEXT), (".env", env), ("e.env", env)];
        let loaded = load_files(&request, &files).map_err(|problems| problems.to_string())?;
        let service = loaded.system.service("a");
        Ok::<_, String>(service.map(|a| a.image.as_ref().unwrap().value.clone()))
    };
    let env = |said: &str| format!("T=1\nCOMPOSE_PROFILES=p\nCOMPOSE_DISABLE_ENV_FILE={said}\n");
    for yes in ["1", "t", "True"] {
        assert_eq!(image(None, &env(yes), &[]), Ok(Some("a:none".to_owned())));
    }
    assert_eq!(image(None, &env("0"), &[]), Ok(Some("a:1".to_owned())));
    // What the environment says counts, and files that are named are read.
    assert_eq!(image(Some("0"), &env("1"), &[]), Ok(Some("a:1".to_owned())));
    let named = [PathBuf::from("/system/e.env")];
    assert_eq!(image(None, &env("1"), &named), Ok(Some("a:1".to_owned())));
    let wrong =
        "`yes` of COMPOSE_DISABLE_ENV_FILE is neither yes nor no (set it to `true` or `false`)";
    assert_eq!(image(None, &env("yes"), &[]), Err(wrong.to_owned()));
    assert_eq!(image(Some("yes"), "", &[]), Err(wrong.to_owned()));
    assert_eq!(
        image(Some("yes"), &env("1"), &named),
        Ok(Some("a:1".to_owned()))
    );
}

#[test]
fn a_name_is_as_it_is_written_where_nothing_is_normalized() {
    for (name, wanted) in [
        ("My.App", "My.App-My.App"),
        ("'${N:-A b}'", "A b-A b"),
        ("small", "small-small"),
    ] {
        let text = format!("name: {name}\nservices: {{a: {{image: $COMPOSE_PROJECT_NAME}}}}\n");
        let files = [(PathBuf::from("/system/compose.yaml"), text.into_bytes())];
        let files = Files::in_memory(files.into());
        let mut request = request();
        request.without.normalization = true;
        let (resolved, _) = resolve(&request, &files).unwrap();
        let config = resolved.config(&[], false).unwrap();
        let text = |at: &str| config.pointer(at).unwrap().as_str().unwrap().to_owned();
        let said = format!("{}-{}", text("/name"), text("/services/a/image"));
        assert_eq!(said, wanted);
        request.without.normalization = false;
        let (resolved, _) = resolve(&request, &files).unwrap();
        let config = resolved.config(&[], false).unwrap();
        assert_eq!(config["name"], resolved.project.as_str());
    }
}

#[test]
fn a_name_of_which_nothing_is_left_is_printed_where_nothing_is_normalized() {
    let text = "name: '...'\nservices: {a: {image: $COMPOSE_PROJECT_NAME}}\n";
    let files = [(PathBuf::from("/system/compose.yaml"), text.into())];
    let files = Files::in_memory(files.into());
    let mut request = request();
    let told = resolve(&request, &files).unwrap_err().to_string();
    let wanted = "compose.yaml:1:7: no project name can be made of `...`";
    assert!(told.starts_with(wanted), "{told}");
    request.without.normalization = true;
    let (resolved, _) = resolve(&request, &files).unwrap();
    let config = resolved.config(&[], false).unwrap();
    assert_eq!(config["name"], "...");
    assert_eq!(config["services"]["a"]["image"], "...");
}

#[test]
fn a_profile_without_a_name_runs_where_none_is_asked_for() {
    let text = "services: {a: {image: a, profiles: ['']}, b: {image: b, profiles: [p]}}\n";
    let running = |profiles: &[&str]| {
        let mut request = request();
        request.profiles = profiles.iter().map(ToString::to_string).collect();
        let loaded = load_files(&request, &[("compose.yaml", text)]).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let names = loaded.system.services.keys();
        names.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(running(&[]), ["a"]);
    assert_eq!(running(&["p"]), ["b"]);
}
