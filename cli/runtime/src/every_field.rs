//! Every field of a service, one by one and in both runtimes: honoured, refused by name, or said to
//! mean nothing, as the table says.

use std::collections::{BTreeMap, BTreeSet};

use msvc_system::load::{LoadRequest, load};
use serde_json::{Value, json};

use msvc_system::id::LaneName;
use msvc_system::model::System;
use msvc_system::problem::{Problems, Severity};

use crate::docker::engine::{ApiVersion, OLDEST};
use crate::docker::image::ImageFacts;
use crate::docker::want::{Wish, wanted};
use crate::fields::{In, page};
use crate::lane::{LaneOptions, Publish, Subset, Wanted, field, volume};

/// An engine of today.
const NEW: ApiVersion = ApiVersion(1, 52);

/// Fields with two files: one without them, and one with them.
struct Sample {
    fields: &'static str,
    without: String,
    with: String,
}

mod samples;

/// The table's word for each field: in containers, as processes.
fn said() -> BTreeMap<String, (&'static str, &'static str)> {
    let known = msvc_system::fields::all().into_iter();
    let words = |path: &str| {
        let word = |of: In| page::word(&of.fate(path));
        (word(In::Containers), word(In::Processes))
    };
    known
        .map(|path| {
            let words = words(&path);
            (path, words)
        })
        .collect()
}

fn text(top: &str, service: &str) -> String {
    let web = format!("{{image: x, {service}}}").replace(", }", "}");
    format!("services:\n  web: {web}\n  db: {{image: y, expose: [5432]}}\n{top}\n")
}

/// The line of a sample where a field stands.
fn line(path: &str) -> usize {
    if path.starts_with('/') { 4 } else { 2 }
}

/// The names on the way to a field; of a section an entry's too (`volume` of `volumes`).
fn parts(path: &str) -> impl Iterator<Item = &str> {
    let parts = path.trim_start_matches('/').split('.');
    parts.flat_map(|part| [part, part.trim_end_matches('s')])
}

fn samples() -> Vec<Sample> {
    let mut bases = BTreeMap::from([("", ("", ""))]);
    let mut all = Vec::new();
    for line in samples::ALL.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, second, service] = cells[..] else {
            panic!("three cells in {line}");
        };
        if let Some(name) = name.strip_prefix('@') {
            bases.insert(name, (second, service));
            continue;
        }
        let (top, without) = bases[second];
        let is_at_the_top = name.starts_with('/');
        all.push(Sample {
            fields: name,
            without: text(top, without),
            with: match is_at_the_top {
                true => text(service, without),
                false => text(top, service),
            },
        });
    }
    all
}

fn system(text: &str) -> Result<System, Problems> {
    let file = |path: &str, text: &str| (path.into(), text.as_bytes().to_vec());
    let files = BTreeMap::from([
        file("/system/compose.yaml", text),
        file("/system/a.env", "A=1\n"),
        file("/system/b.env", "A=$$1\n"),
        file(
            "/system/more.yaml",
            "services: {old: {image: z, tty: true}}",
        ),
    ]);
    let request = LoadRequest {
        directory: "/system".into(),
        project: Some("shop".to_owned()),
        environment: BTreeMap::from([("PASSWORD".to_owned(), "secret".to_owned())]),
        ..LoadRequest::default()
    };
    let files = msvc_system::files::Files::in_memory(files);
    load(&request, &files).map(|loaded| loaded.system)
}

fn options() -> LaneOptions {
    LaneOptions {
        project: "shop".parse().unwrap(),
        lane: LaneName::main(),
        home: "/system/.msvc/shop".into(),
        services: Subset::All,
        publish: Publish::AsTheFileSays,
        environment: BTreeMap::new(),
        further_edges: Vec::new(),
        caller: BTreeMap::new(),
        lenient: false,
        is_folder: |_| false,
    }
}

/// What is wanted of a file, or all that is wrong with it.
fn outcome(text: &str, api: ApiVersion) -> Result<Wanted, String> {
    let system = system(text).map_err(|problems| problems.to_string())?;
    let health = bollard::models::HealthConfig {
        test: Some(vec!["CMD".to_owned(), "probe".to_owned()]),
        ..Default::default()
    };
    let facts = ImageFacts {
        health: crate::docker::image::health(&health),
        ..ImageFacts::default()
    };
    let images = system.services.keys();
    let images = images.map(|name| (name.clone(), facts.clone())).collect();
    let wish = Wish {
        system: &system,
        options: &options(),
        images: &images,
        mesh: None,
        api,
    };
    wanted(&wish).map_err(|problems| problems.to_string())
}

/// All that is asked of the engine and of planning, places and hashes left out.
fn effect(wanted: &Wanted) -> Value {
    let mut instances = serde_json::to_value(&wanted.instances).unwrap();
    for instance in instances.as_array_mut().unwrap() {
        instance["hash"] = Value::Null;
    }
    let dependencies = wanted.dependencies.iter().map(|(service, on)| {
        let on = on.iter();
        let on = on.map(|it| json!([it.service, it.condition, it.required, it.restart]));
        (service.to_string(), on.collect::<Value>())
    });
    let dependencies: serde_json::Map<String, Value> = dependencies.collect();
    json!([instances, dependencies, wanted.provisions])
}

#[test]
fn every_field_of_a_service_is_honoured_refused_or_means_nothing() {
    let said = said();
    let mut met = BTreeSet::new();
    let mut wrong = Vec::new();
    for sample in samples() {
        let plain = outcome(&sample.without, NEW);
        let plain = plain.unwrap_or_else(|why| panic!("{}: {why}", sample.without));
        let with = outcome(&sample.with, NEW);
        for path in sample.fields.split_whitespace() {
            assert!(met.insert(path), "`{path}` stands twice");
            let (word, _) = said
                .get(path)
                .unwrap_or_else(|| panic!("no field `{path}`"));
            let changes = with.as_ref().ok().map(|it| effect(it) != effect(&plain));
            let is_so = match (*word, &with) {
                ("yes" | "partly", Ok(_)) => {
                    changes == Some(true) || samples::IN_IMAGES.contains(&path)
                }
                ("nothing", Ok(with)) => changes == Some(false) && with.warnings.is_empty(),
                ("told", Ok(with)) => !with.warnings.is_empty(),
                ("error" | "partly", Err(why)) => {
                    let names = parts(path).any(|part| why.contains(part));
                    names && why.starts_with(&format!("compose.yaml:{}:", line(path)))
                }
                _ => false,
            };
            if !is_so {
                let found = with.as_ref().map(|_| changes);
                wrong.push(format!("{path}: the table says {word}, found {found:?}"));
            }
        }
    }
    let known: BTreeSet<&str> = said.keys().map(String::as_str).collect();
    let missing: Vec<_> = known.difference(&met).collect();
    assert!(missing.is_empty(), "no sample of {missing:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a host process is refused, and what it is told.
fn as_a_process(text: &str) -> Problems {
    let system = match system(text) {
        Ok(system) => system,
        Err(problems) => return problems,
    };
    // With a profile of its own it rests.
    let Some(service) = system.service("web") else {
        return Problems::default();
    };
    let mut problems = Problems(field::problems(service, false));
    let (lane, home) = (LaneName::main(), "/system/.msvc/shop".as_ref());
    let _ = volume::mounts(&system, service, &lane, home, &mut problems);
    problems
}

#[test]
fn as_a_host_process_no_field_is_dropped_in_silence_either() {
    let said = said();
    let mut wrong = Vec::new();
    for sample in samples() {
        // The top level says of a process what the table says; the rooms have their tests.
        if sample.fields.starts_with('/') {
            continue;
        }
        let problems = as_a_process(&sample.with).0;
        for path in sample.fields.split_whitespace() {
            let (_, word) = &said[path];
            let mut named = problems.iter().filter(|problem| {
                let at = problem.place.as_ref().map(|place| place.line);
                let mut parts = path.split('.');
                at == Some(2) && parts.any(|part| problem.what.contains(part))
            });
            let told = named.next().map(|problem| problem.severity);
            let is_so = match *word {
                "error" => told == Some(Severity::Error),
                "partly" => told != Some(Severity::Warning),
                "told" => told == Some(Severity::Warning),
                "nothing" | "yes" => told.is_none(),
                _ => false,
            };
            if !is_so {
                wrong.push(format!("{path}: the table says {word}, found {told:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_an_older_engine_would_drop_is_named_with_its_line() {
    for (top, more, expected) in [
        (
            "",
            "annotations: {a: b}",
            "`annotations` needs an engine with API 1.43",
        ),
        (
            "networks: {n: {}}",
            "networks: {default: {priority: 1}, n: {mac_address: \"02:42:ac:11:65:43\"}}",
            "`mac_address` on the network n, which is not its first, needs an engine with API 1.44",
        ),
        (
            "",
            "networks: {default: {gw_priority: 1}}",
            "`gw_priority` on the network default needs an engine with API 1.48",
        ),
        (
            "",
            "networks: {default: {interface_name: lan}}",
            "`interface_name` on the network default needs an engine with API 1.49",
        ),
        (
            "volumes: {data: }",
            "volumes: [{type: volume, source: data, target: /t, volume: {subpath: a}}]",
            "`volume.subpath` of the mount /t needs an engine with API 1.45",
        ),
        (
            "",
            "volumes: [{type: bind, source: /s, target: /t, bind: {recursive: readonly}}]",
            "`bind.recursive` of the mount /t needs an engine with API 1.44",
        ),
    ] {
        let why = outcome(&text(top, more), OLDEST).unwrap_err();
        assert!(why.contains(expected), "{why}");
        assert!(why.starts_with("compose.yaml:2:"), "{why}");
        assert!(why.contains("(this one speaks 1.41)"), "{why}");
        assert!(outcome(&text(top, more), NEW).is_ok(), "{more}");
    }
}

#[test]
fn times_alone_are_those_of_the_images_own_healthcheck() {
    let text = text("", "healthcheck: {interval: 7s, retries: 2}");
    let wanted = outcome(&text, NEW).unwrap();
    let health = create(&wanted)["Healthcheck"].clone();
    assert_eq!(health, json!({"Interval": 7_000_000_000_u64, "Retries": 2}));
    let mut instances = wanted.instances.iter();
    let web = instances.find(|it| it.id.service == *"web").unwrap();
    let health = web.health.as_ref().unwrap();
    assert_eq!(health.command, ["probe"]);
    assert_eq!((health.interval.as_secs(), health.retries), (7, 2));
}

#[test]
fn an_older_engine_goes_without_an_interval_for_the_start_and_that_is_told() {
    let text = text("", "healthcheck: {test: x, start_interval: 1s}");
    let wanted = outcome(&text, OLDEST).unwrap();
    let told: Vec<String> = wanted.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("start_interval` needs an engine with API 1.44"),
        "{told:?}"
    );
    let health = create(&wanted)["Healthcheck"].clone();
    assert_eq!(health["StartInterval"], Value::Null);
}

fn create(wanted: &Wanted) -> Value {
    let mut instances = wanted.instances.iter();
    let web = instances.find(|it| it.id.service == *"web").unwrap();
    let crate::instance::Program::Container(program) = &web.program else {
        panic!("a container");
    };
    program.create.clone()
}
