//! Loading as a whole: what comes out, and what is said of what cannot.

use std::path::Path;

use super::testing::{load, load_files, problems_of, request};
use crate::model::{
    BuildCommand, Condition, HealthTest, JourneyReference, MountSource, ProcessBuild, RestartPolicy,
};

const WHOLE: &str = r#"name: demo
x-msvc:
  contracts: contracts/pacts
  journeys: [journeys/a.yaml, {name: smoke, command: "sh smoke.sh"}]
  experiments: [experiments/b.yaml]
services:
  web:
    build: ./web
    command: serve --fast "two words"
    environment: {LISTEN: "0.0.0.0:8080", API: "http://api:9000", GONE: , ANSWER: 42, RATE: 1.0}
    ports: ["127.0.0.1:80:8080", "9000-9001:9000-9001/udp", {target: 70, published: "71"}]
    volumes: ["data:/data:ro", "./x:/y/", /anon, {type: tmpfs, target: /t}]
    healthcheck: {test: [CMD, web, healthcheck], interval: 1m30s, retries: 5}
    depends_on: {api: {condition: service_healthy, restart: true}}
    restart: on-failure:3
    stop_grace_period: 1.5s
    deploy: {replicas: 2, resources: {limits: {cpus: "1"}}}
    networks: [default]
    x-msvc:
      owner: team
      process: {port: LISTEN, build: {cargo: web}, environment: [A=b]}
      calls: ["api:9000"]
      contract: {states: /_states, environment: {ON: "1"}, consumer_test: cargo test}
  api: {image: "api:1", healthcheck: {test: curl x}, links: [db]}
  db: {image: db, healthcheck: {disable: true}}
volumes: {data: {}}
"#;

#[test]
fn everything_that_the_files_say_is_in_the_model() {
    let system = load(WHOLE).system;
    assert_eq!(system.name.as_str(), "demo");
    let web = system.service("web").unwrap();
    assert_eq!(
        web.build.as_ref().unwrap().context,
        Path::new("/system/web")
    );
    assert_eq!(
        web.command.as_deref().unwrap(),
        ["serve", "--fast", "two words"]
    );
    let settings: Vec<_> = web
        .environment
        .iter()
        .map(|(k, v)| format!("{k}={}", v.value))
        .collect();
    assert_eq!(
        settings,
        [
            "LISTEN=0.0.0.0:8080",
            "API=http://api:9000",
            "ANSWER=42",
            "RATE=1"
        ]
    );
    assert_eq!(
        web.environment["API"].place.to_string(),
        "compose.yaml:10:48"
    );
    let ports: Vec<_> = web
        .ports
        .iter()
        .map(|p| (p.host_ip.as_deref(), p.published, p.target))
        .collect();
    assert_eq!(
        ports,
        [
            (Some("127.0.0.1"), Some(80), 8080),
            (None, Some(9000), 9000),
            (None, Some(9001), 9001),
            (None, Some(71), 70)
        ]
    );
    let mounts: Vec<_> = web
        .mounts
        .iter()
        .map(|m| (m.source.clone(), m.target.as_str(), m.read_only))
        .collect();
    assert_eq!(
        mounts,
        [
            (MountSource::Volume("data".into()), "/data", true),
            (MountSource::Bind("/system/x".into()), "/y", false),
            (MountSource::Anonymous, "/anon", false),
            (MountSource::Tmpfs, "/t", false),
        ]
    );
    let check = web.healthcheck.as_ref().unwrap();
    assert_eq!(
        check.test,
        HealthTest::Command(vec!["web".into(), "healthcheck".into()])
    );
    assert_eq!(
        (
            check.interval.as_secs(),
            check.timeout.as_secs(),
            check.retries
        ),
        (90, 30, 5)
    );
    let dependency = &web.depends_on[0];
    assert_eq!(
        (
            dependency.condition,
            dependency.required,
            dependency.restart
        ),
        (Condition::ServiceHealthy, true, true)
    );
    assert_eq!(
        (web.restart, web.replicas),
        (RestartPolicy::OnFailure(Some(3)), 2)
    );
    assert_eq!(
        (web.stop_grace_period.as_millis(), &web.stop_signal),
        (1500, &None)
    );
    assert_eq!(web.listens, [70, 8080]);
    let others: Vec<_> = web.other_fields.keys().map(String::as_str).collect();
    assert_eq!(others, ["deploy.resources", "networks"]);
    assert_eq!(system.service("api").unwrap().listens, [9000]);
    assert_eq!(system.service("db").unwrap().healthcheck, None);
}

#[test]
fn x_msvc_is_read_with_its_paths_made_absolute() {
    let system = load(WHOLE).system;
    assert_eq!(
        system.x_msvc.contracts.as_ref().unwrap().value,
        Path::new("/system/contracts/pacts")
    );
    assert!(
        matches!(&system.x_msvc.journeys[0], JourneyReference::Document(d) if d.value == Path::new("/system/journeys/a.yaml"))
    );
    assert!(
        matches!(&system.x_msvc.journeys[1], JourneyReference::Command { name, command, .. } if name == "smoke" && command == &["sh", "smoke.sh"])
    );
    let x = &system.service("web").unwrap().x_msvc;
    assert_eq!(x.process.port[&8080].value, "LISTEN");
    assert_eq!(
        x.process.build,
        Some(ProcessBuild::Cargo {
            bin: Some("web".into())
        })
    );
    let contract = x.contract.as_ref().unwrap();
    assert_eq!(contract.states.as_ref().unwrap().value, "/_states");
    assert_eq!(
        contract.consumer_test.as_deref().unwrap(),
        ["cargo", "test"]
    );
}

#[test]
fn a_build_command_says_what_it_leaves_and_for_whom() {
    let built = |build: &str| {
        let text =
            format!("services:\n  a:\n    build: .\n    x-msvc: {{process: {{build: {build}}}}}\n");
        let loaded = load_files(&request(), &[("compose.yaml", text.as_str())]);
        let loaded = loaded.map_err(|problems| problems.to_string())?;
        Ok::<_, String>(
            loaded
                .system
                .service("a")
                .unwrap()
                .x_msvc
                .process
                .build
                .clone(),
        )
    };
    let words = vec!["make".to_owned(), "all".to_owned()];
    let short = BuildCommand {
        command: words.clone(),
        ..BuildCommand::default()
    };
    assert_eq!(
        built("[make, all]").unwrap(),
        Some(ProcessBuild::Command(short))
    );
    let long = BuildCommand {
        command: words,
        path: Some("out/bin".into()),
        image: true,
    };
    assert_eq!(
        built("{command: [make, all], path: out/bin, image: true}").unwrap(),
        Some(ProcessBuild::Command(long))
    );
    for (build, said) in [
        (
            "{command: [make], path: ../out}",
            "leaves the build context",
        ),
        ("{command: [make], path: /out}", "leaves the build context"),
        ("{command: [make], cargo: a}", "both a command and cargo"),
        ("{command: []}", "has no words"),
        ("{cargo: a, path: out}", "says what its command leaves"),
        ("{comand: [make]}", "did you mean `command`?"),
    ] {
        let told = built(build).unwrap_err();
        assert!(told.contains(said), "{build}: {told}");
    }
}

/// Each of these is one service of a file, with what must be said about it.

#[test]
fn profiles_choose_what_runs() {
    let text = "services:\n  a: {image: a, depends_on: {p: {condition: service_started, required: false}}}\n  p: {image: p, profiles: [extra]}\n";
    let names = |profiles: &[&str]| {
        let request = super::LoadRequest {
            profiles: profiles.iter().map(|p| (*p).to_owned()).collect(),
            ..request()
        };
        let loaded = load_files(&request, &[("compose.yaml", text)]).unwrap();
        let names: Vec<_> = loaded
            .system
            .services
            .keys()
            .map(ToString::to_string)
            .collect();
        (
            names.join(" "),
            loaded.warnings.len(),
            loaded.system.services[0].depends_on.len(),
        )
    };
    assert_eq!(names(&[]), ("a".to_owned(), 0, 0));
    assert_eq!(names(&["extra"]), ("a p".to_owned(), 0, 1));
    assert_eq!(names(&["*"]), ("a p".to_owned(), 0, 1));
    assert_eq!(names(&["extr"]), ("a".to_owned(), 1, 0));
    let needed = text.replace("required: false", "required: true");
    assert!(
        problems_of(&needed).contains(
            "names the service `p`, which runs only with its profile (add --profile extra)"
        )
    );
}

#[test]
fn lenient_makes_unknown_keys_warnings() {
    let request = super::LoadRequest {
        lenient: true,
        ..request()
    };
    let loaded = load_files(
        &request,
        &[(
            "compose.yaml",
            "services: {a: {image: a, imge: b}}\nfoo: 1\n",
        )],
    )
    .unwrap();
    assert_eq!(loaded.warnings.len(), 2);
}

#[test]
fn the_hash_is_of_what_is_meant_and_not_of_where_it_stands() {
    let hash = |text: &str, directory: &str| {
        let files = std::collections::BTreeMap::from([(
            Path::new(directory).join("compose.yaml"),
            text.as_bytes().to_vec(),
        )]);
        let request = super::LoadRequest {
            directory: directory.into(),
            project: Some("p".into()),
            ..request()
        };
        super::load(&request, &crate::files::Files::in_memory(files))
            .unwrap()
            .system
            .hash()
    };
    let text = "services: {a: {image: a, build: ./x, environment: {place: x}}}";
    let first = hash(text, "/one");
    assert_eq!(first.len(), 64);
    assert_eq!(first, hash(&format!("# a comment\n\n{text}"), "/two"));
    assert_ne!(first, hash(&text.replace("place: x", "place: y"), "/one"));
}

#[test]
fn the_resolved_file_loads_to_the_same_again() {
    let loaded = load(&WHOLE.replace("ANSWER: 42", "ANSWER: $$42"));
    let again = load(&loaded.system.written.resolved().to_string());
    assert_eq!(loaded.system.hash(), again.system.hash());
    assert_eq!(
        again.system.service("web").unwrap().environment["ANSWER"].value,
        "$42"
    );
}

#[test]
fn a_shells_sign_in_a_command_is_warned_of() {
    let loaded = load("services: {a: {image: a, command: run && stop}}");
    assert_eq!(
        loaded
            .system
            .service("a")
            .unwrap()
            .command
            .as_deref()
            .unwrap(),
        ["run"]
    );
    assert!(loaded.warnings[0].what.contains("it ends before the `&`"));
}
