//! Loading as a whole: what comes out, and what is said of what cannot.

use std::path::Path;

use super::testing::{load, load_files, problems_of, request};
use crate::model::{
    Condition, HealthTest, JourneyReference, MountSource, ProcessBuild, RestartPolicy,
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
        (web.stop_grace_period.as_millis(), web.stop_signal.as_str()),
        (1500, "SIGTERM")
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

/// Each of these is one service of a file, with what must be said about it.
#[test]
fn whatever_is_wrong_in_a_service_is_said_with_its_place() {
    for (service, wanted) in [
        (
            "imge: x",
            "compose.yaml:2:7: a service has no key `imge` (did you mean `image`?)",
        ),
        (
            "image: x, healthcheck: {tset: y}",
            "a `healthcheck` has no key|`healthcheck` has no key `tset` (did you mean `test`?)",
        ),
        (
            "tty: true",
            "compose.yaml:2:3: the service `a` has neither `image` nor `build`",
        ),
        (
            "image: ''",
            "compose.yaml:2:14: the `image` of the service `a` is empty",
        ),
        (
            "image: x, ports: 80",
            "`ports` must be a list, not a number",
        ),
        (
            "image: x, ports: ['70000']",
            "`ports` has `70000`: `70000` is no port",
        ),
        (
            "image: x, ports: ['1-3:1-2']",
            "the ranges `1-3` and `1-2` are not equally long",
        ),
        (
            "image: x, ports: ['1-3:1']",
            "a range of host ports (`1-3`) for one port is not supported yet",
        ),
        (
            "image: x, ports: ['5/sctp']",
            "the protocol `sctp` is not supported yet",
        ),
        (
            "image: x, restart: sometimes",
            "`restart` has no policy `sometimes`",
        ),
        ("image: x, restart: alway", "did you mean `always`?"),
        (
            "image: x, stop_grace_period: 10",
            "which is no duration: a number in it has no unit (write it as 500ms, 30s or 1m30s)",
        ),
        (
            "image: x, healthcheck: {test: [a]}",
            "`healthcheck.test` as a list begins with CMD, CMD-SHELL or NONE",
        ),
        (
            "image: x, command: 'a \"b'",
            "`command` cannot be split into words: a quote or backslash in it has no end",
        ),
        (
            "image: x, volumes: ['data:/x']",
            "the volume `data` is not declared under the top-level `volumes`",
        ),
        (
            "image: x, networks: [n]",
            "the network `n` is not declared under the top-level `networks`",
        ),
        (
            "image: x, depends_on: [b]",
            "`depends_on` names the service `b`, which does not exist",
        ),
        (
            "image: x, depends_on: {a: {condition: service_helthy}}",
            "`depends_on` has no condition `service_helthy` (did you mean `service_healthy`?)",
        ),
        (
            "image: x, depends_on: [a]",
            "services wait for each other in a circle: a -> a",
        ),
        (
            "image: x, env_file: no.env",
            "compose.yaml:2:27: the `env_file` /system/no.env cannot be read: no such file",
        ),
        (
            "image: x, secrets: [s]",
            "compose.yaml:2:17: `secrets` is not supported yet (mount the file",
        ),
        (
            "image: x, extends: {file: y, service: z}",
            "`extends` is not supported yet",
        ),
        (
            "image: x, deploy: {replicas: -1}",
            "the number of replicas must be a whole number from 0 to 100, not `-1`",
        ),
        (
            "image: x, environment: 5",
            "`environment` must be a mapping or a list of `KEY=VALUE`, not a number",
        ),
        (
            "image: x, environment: {A: [1]}",
            "`services.a.environment` must be made of texts, not a list",
        ),
        (
            "image: '${X:?needed}'",
            "compose.yaml:2:14: the variable `X` must be set: needed",
        ),
        ("image: '${X'", "`${X` is no variable"),
        (
            "image: x, x-msvc: {ower: y}",
            "`x-msvc` of a service has no key `ower` (did you mean `owner`?)",
        ),
        (
            "image: x, x-msvc: {calls: [b]}",
            "`x-msvc.calls` names the service `b`, which does not exist",
        ),
        (
            "image: x, x-msvc: {process: {port: LISTEN}}",
            "which port that carries is not clear",
        ),
        (
            "image: x, x-msvc: {process: {build: {bin: x}}}",
            "`x-msvc.process.build` has no key `bin`",
        ),
        (
            "image: x, x-msvc: {contract: {states: y}}",
            "`x-msvc.contract.states` is `y`, which is no path",
        ),
        (
            "image: x, x-msvc: {probe: y}",
            "`x-msvc.probe` is not supported yet",
        ),
    ] {
        let problems = problems_of(&format!("services:\n  a: {{{service}}}\n"));
        let fits = wanted.split('|').any(|wanted| problems.contains(wanted));
        assert!(fits, "{service}\n{problems}");
        assert!(problems.starts_with("compose.yaml:2:"), "{problems}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let problems = problems_of(
        "services:\n  a: {imag: x, ports: [x]}\n  b: {image: b, depends_on: [c], restart: x}\nvolums: {}\n",
    );
    assert_eq!(problems.lines().count(), 6, "{problems}");
}

#[test]
fn a_circle_of_services_is_named_in_order() {
    let text = "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [c]}\n  c: {image: c, depends_on: [b]}\n";
    assert_eq!(
        problems_of(text),
        "compose.yaml:4:30: services wait for each other in a circle: b -> c -> b (take one `depends_on` away, for example this one of `c`)"
    );
}

#[test]
fn what_is_no_compose_file_is_one_clear_problem() {
    for (text, wanted) in [
        ("", "compose.yaml:1:1: the file is empty"),
        (
            "[]",
            "compose.yaml:1:1: a Compose file must be a mapping with `services`, not a list",
        ),
        (
            "hello",
            "compose.yaml:1:1: a Compose file must be a mapping with `services`, not text",
        ),
        (
            "services: {}\n",
            "compose.yaml:1:1: the system has no services (write them under `services:`)",
        ),
        (
            "services: [a]\n",
            "compose.yaml:1:11: `services` must be a mapping, not a list",
        ),
        (
            "services: {a: }\n",
            "compose.yaml:1:13: the service `a` must be a mapping, not nothing",
        ),
        (
            "include: [x.yaml]\nservices: {a: {image: a}}\n",
            "compose.yaml:1:1: `include` is not supported yet (name the files with -f FILE -f FILE)",
        ),
    ] {
        assert_eq!(problems_of(text), wanted, "{text}");
    }
}

#[test]
fn a_missing_file_names_where_it_was_looked_for() {
    let problems = load_files(&request(), &[]).unwrap_err().to_string();
    assert!(
        problems.starts_with(
            "no Compose file in /system or the folders above it (looked for compose.yaml, "
        ),
        "{problems}"
    );
    let named = super::LoadRequest {
        files: vec!["other.yaml".into()],
        ..request()
    };
    let problems = load_files(&named, &[]).unwrap_err().to_string();
    assert!(
        problems.starts_with("the Compose file /system/other.yaml cannot be read: no such file"),
        "{problems}"
    );
}

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
            "services: {a: {image: a, env_file: [one.env, {path: two.env, required: false}, {path: raw.env, format: raw}], environment: {B: over}}}",
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
            "B=over@compose.yaml:1:128",
            "C=1@one.env:3:1",
            "D='$A'@raw.env:1:1"
        ]
    );
}

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
            .hash
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
    let again = load(&loaded.resolved.to_string());
    assert_eq!(loaded.system.hash, again.system.hash);
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

#[test]
fn thousands_of_problems_are_cut_short_and_take_no_time() {
    let keys: String = (0..50_000).map(|i| format!("  key{i}: x\n")).collect();
    let problems = problems_of(&format!("services:\n a: {{image: a}}\nx: 1\nb:\n{keys}"));
    assert!(problems.lines().count() < 10);
    let keys: String = (0..50_000).map(|i| format!("   imag{i}: x\n")).collect();
    let problems = problems_of(&format!("services:\n  a:\n{keys}"));
    assert!(
        problems.ends_with("more problems"),
        "{}",
        problems.lines().last().unwrap_or_default()
    );
    assert_eq!(problems.lines().count(), 201);
}

proptest::proptest! {
    #[test]
    fn no_file_makes_loading_panic(text in "(services|image|ports|environment|volumes|command|depends_on|x-msvc|a|[0-9]|:|-|\\[|\\]|\\{|\\}|,| |\n|\\$|&|\\*|<<|!|\"|'|/|\\.){0,60}") {
        let files = std::collections::BTreeMap::from([("/system/compose.yaml".into(), text.clone().into_bytes())]);
        let _ = super::load(&request(), &crate::files::Files::in_memory(files));
        let wrapped = format!("services:\n  a:\n    image: x\n    {text}\n");
        let files = std::collections::BTreeMap::from([("/system/compose.yaml".into(), wrapped.into_bytes())]);
        let _ = super::load(&request(), &crate::files::Files::in_memory(files));
    }
}
