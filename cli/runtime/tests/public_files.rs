//! Public Compose files as lanes of host processes: whatever stands in them, planning ends in
//! placed problems or in a plan whose parts fit together.
//!
//! The files are third-party data that is read in place and not part of the tree; where they are
//! absent the test says so and passes.

#[path = "../../system/tests/support/public_corpus.rs"]
mod public_corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use msvc_mesh::spec::{Admission, Backend};
use msvc_runtime::build::BuildOutcome;
use msvc_runtime::instance::Program;
use msvc_runtime::lane::{LaneOptions, Publish, Subset, Survey, Wanted};
use msvc_runtime::observed::Observed;
use msvc_runtime::plan::decide;
use msvc_runtime::ports::{Binding, Book, seed};
use msvc_system::files::Files;
use msvc_system::id::{LaneName, Party};
use msvc_system::load::{LoadRequest, load};
use msvc_system::model::{Placed, System};
use msvc_system::problem::Severity;
use public_corpus::corpus;

/// Nothing is taken.
struct Empty;

impl Binding for Empty {
    fn is_free(&mut self, _: SocketAddr) -> bool {
        true
    }
    fn has_loopback_network(&mut self) -> bool {
        true
    }
    fn owner(&mut self, _: SocketAddr) -> Option<String> {
        None
    }
}

fn load_file(file: &Path) -> Option<System> {
    let request = LoadRequest {
        directory: file.parent().unwrap_or(Path::new("/")).to_path_buf(),
        files: vec![file.to_path_buf()],
        profiles: vec!["*".to_owned()],
        named: Vec::new(),
        ..LoadRequest::default()
    };
    let files = Files::new(|path, _| std::fs::read(path));
    load(&request, &files).ok().map(|loaded| loaded.system)
}

/// Says for each service what it runs and how it is told where to listen, as its users would.
fn with_commands(system: &mut System) {
    for service in system.services.values_mut() {
        let process = &mut service.x_msvc.process;
        process.command = Some(vec![service.name.to_string()]);
        for port in &service.listens {
            let key = Placed {
                value: format!("LISTEN_{port}"),
                place: service.place.clone(),
            };
            process.port.entry(*port).or_insert(key);
        }
    }
}

fn options(system: &System) -> LaneOptions {
    LaneOptions {
        project: system.name.clone(),
        lane: LaneName::main(),
        home: "/home/.msvc/x".into(),
        services: Subset::All,
        publish: Publish::AnyFreePort,
        environment: BTreeMap::new(),
        further_edges: Vec::new(),
        caller: BTreeMap::new(),
        lenient: true,
        is_folder: |_| false,
    }
}

#[test]
fn every_public_file_ends_in_placed_problems_or_in_a_plan_that_fits() {
    let Some(corpus) = corpus() else {
        return;
    };
    let index = std::fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let (mut planned, mut refused) = (0, 0);
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let repository = corpus.join("projects").join(columns[0].replace('/', "+"));
        let Some(mut system) = load_file(&repository.join(columns[1])) else {
            continue;
        };
        let name = format!("{}/{}", columns[0], columns[1]);
        as_it_stands(&name, &system);
        with_commands(&mut system);
        let options = options(&system);
        let survey = match Survey::of(&system, &options, &BuildOutcome::default()) {
            Ok(survey) => survey,
            Err(problems) => {
                assert!(
                    problems.0.iter().all(|p| p.place.is_some()),
                    "{name}: {problems}"
                );
                eprintln!("{name}: {problems}");
                refused += 1;
                continue;
            }
        };
        let mut book = Book::default();
        book.settle(
            seed(&options.home, "x"),
            &survey.slots(),
            &BTreeSet::new(),
            &mut Empty,
        )
        .unwrap();
        let wanted = survey.wanted(&book).unwrap();
        fits(&name, &wanted);
        if std::env::var_os("MSVC_SHOW_REWRITINGS").is_some() {
            for rewriting in &wanted.rewritings {
                eprintln!("{name}: {rewriting}");
            }
        }
        let plan = decide(&Observed::default(), &wanted, &book);
        for (place, step) in plan.steps.iter().enumerate() {
            assert!(
                step.after.iter().all(|before| *before < place),
                "{name}: {plan}"
            );
        }
        assert!(plan.steps.len() >= wanted.instances.len() + wanted.edges.len());
        planned += 1;
    }
    eprintln!("{planned} planned, {refused} refused");
    assert!(planned > 0);
}

/// Without any `x-msvc` most of it cannot run: each reason has its place.
fn as_it_stands(name: &str, system: &System) {
    let options = LaneOptions {
        lenient: false,
        is_folder: |_| false,
        ..options(system)
    };
    if let Err(problems) = Survey::of(system, &options, &BuildOutcome::default()) {
        for problem in problems.0 {
            assert!(problem.place.is_some(), "{name}: {problem}");
            let is_error = problem.severity == Severity::Error;
            assert!(!is_error || problem.hint.is_some(), "{name}: {problem}");
        }
    }
}

fn fits(name: &str, wanted: &Wanted) {
    let mut taken = BTreeSet::new();
    let mut backends = BTreeSet::new();
    for instance in &wanted.instances {
        for listen in &instance.listens {
            assert!(
                taken.insert(listen.backend),
                "{name}: {} twice",
                listen.backend
            );
            backends.insert(listen.backend);
        }
    }
    for edge in &wanted.edges {
        assert!(taken.insert(edge.listen), "{name}: {} twice", edge.listen);
        for backend in &edge.backends {
            let Backend::Tcp(address) = backend else {
                continue;
            };
            assert!(
                backends.contains(address),
                "{name}: {} leads nowhere",
                edge.id
            );
        }
        let accepts = edge.admission == Admission::Accept;
        assert!(
            !accepts || !edge.backends.is_empty(),
            "{name}: {} has no backend",
            edge.id
        );
        assert!(
            !edge.reasons.is_empty(),
            "{name}: {} has no reason",
            edge.id
        );
    }
    // Every address of a listener that a caller is told is one of its own edges, or itself.
    for rewriting in &wanted.rewritings {
        assert_ne!(rewriting.from, rewriting.to, "{name}");
        let of_others = wanted.edges.iter().filter(|edge| {
            edge.id.caller != Party::Service(rewriting.service.clone())
                && edge.id.caller != Party::Client
        });
        for edge in of_others {
            let address = edge.listen.to_string();
            assert!(!rewriting.to.contains(&address), "{name}: {rewriting}");
        }
    }
    for instance in &wanted.instances {
        let Program::Process(process) = &instance.program else {
            continue;
        };
        let mut keys: Vec<_> = process.environment.iter().map(|(key, _)| key).collect();
        let sorted = keys.clone();
        keys.sort();
        keys.dedup();
        assert_eq!(keys, sorted, "{name}");
    }
}
