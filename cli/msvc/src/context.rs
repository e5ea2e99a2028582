//! What every command starts with: the system it is about, the project's home, the effects, and
//! the terminal. Loads; decides nothing.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_machine::this_program::this_program;
use msvc_machine::ward::{Mark, Ward};
use msvc_report::case::Case;
use msvc_report::event::{Event, Stamped};
use msvc_report::exit::Exit;
use msvc_runtime::docker::image::BuildFrom;
use msvc_runtime::docker::{Engine, Questions};
use msvc_runtime::process::{Launcher, ProjectHome};
use msvc_system::files::Files;
use msvc_system::id::ProjectName;
use msvc_system::load::Loaded;
use msvc_system::model::System;
use msvc_system::problem::Problem;
use msvc_system::shown_path::shown_path;

use crate::cli::{BuildSource, Cli, Command, RuntimeChoice};
use crate::failure::{Failure, choosing};
use crate::here::Here;
use crate::running::AnyRuntime;
use crate::terminal::Terminal;

mod chosen;

pub use chosen::load_request;
use chosen::{chosen_by, load_system};

/// The build's version, told in every hello.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

/// What a command works with.
pub struct Context {
    /// Where to say things.
    pub terminal: Terminal,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The user's wish to end.
    pub shutdown: Shutdown,
    /// The system that the command is about.
    pub system: System,
    /// The environment msvc was called with.
    pub environment: BTreeMap<String, String>,
    /// This run's id: short, lower-case letters and digits.
    pub run: String,
    /// Where to keep logs, reports and more.
    pub artifacts: Option<PathBuf>,
    /// Where to write JUnit's XML.
    pub junit: Option<PathBuf>,
    /// Whether unknown keys and fields that cannot be honoured are warnings.
    pub lenient: bool,
    /// The runtime that the command line asks for.
    pub asked_runtime: Option<RuntimeChoice>,
    /// From what images are made.
    pub build_from: BuildFrom,
    /// Whether the system is booted without a mesh.
    pub no_mesh: bool,
    /// The flags that chose the system, for lines that repeat something.
    chosen_by: Vec<String>,
    /// The folder that paths in such a line are taken from.
    directory: PathBuf,
    /// The folder msvc was called in.
    pub here: Here,
    record: Arc<Mutex<Vec<Stamped>>>,
    /// Warnings that were told: each is told once, however many copies are booted.
    warned: Arc<Mutex<HashSet<Problem>>>,
    seed: Mutex<Option<serde_json::Value>>,
    ward: OnceLock<Option<Ward>>,
    /// The engine that was found, asked once.
    pub(crate) engine: OnceLock<Engine>,
    /// What engines were asked.
    pub questions: Questions,
    began: tokio::time::Instant,
}

impl Context {
    /// Loads the system that the command line names and tells its warnings.
    ///
    /// # Errors
    /// When there is none, or its files are wrong.
    pub fn load(
        cli: &Cli,
        terminal: Terminal,
        clock: Arc<dyn Clock>,
        shutdown: Shutdown,
    ) -> Result<Self, Failure> {
        let began = clock.now();
        let here = terminal.here().clone();
        let request = load_request(cli, &here)?;
        let environment = request.environment.clone();
        let Loaded { system, warnings } = load_system(cli, &request, terminal.files())?;
        crate::outlets::annotate(&terminal, &warnings);
        for problem in warnings {
            terminal.event(&Event::Warned { problem });
        }
        Ok(Self {
            terminal,
            clock,
            shutdown,
            system,
            environment,
            run: run_id(),
            artifacts: cli.global.artifacts.as_deref().map(|it| here.whole(it)),
            junit: cli.global.junit.clone(),
            lenient: cli.global.lenient,
            asked_runtime: cli.global.runtime,
            no_mesh: matches!(&cli.command, Command::Up(up) if up.no_mesh),
            build_from: match cli.global.build_from {
                BuildSource::Host => BuildFrom::Host,
                BuildSource::Dockerfile => BuildFrom::Dockerfile,
            },
            chosen_by: chosen_by(cli, &here),
            directory: request.directory.clone(),
            here,
            record: Arc::default(),
            warned: Arc::default(),
            seed: Mutex::default(),
            ward: OnceLock::new(),
            engine: OnceLock::new(),
            questions: Questions::default(),
            began,
        })
    }

    /// The home of the system's own project.
    ///
    /// # Errors
    /// When the current folder is gone.
    pub fn home(&self) -> Result<ProjectHome, Failure> {
        self.home_of(&self.system.name)
    }

    /// The home of another project on the same files: a demo's, a verification's.
    ///
    /// # Errors
    /// When the current folder is gone.
    pub fn home_of(&self, project: &ProjectName) -> Result<ProjectHome, Failure> {
        let runtime_folder = self.environment.get("XDG_RUNTIME_DIR").map(PathBuf::from);
        Ok(ProjectHome::new(
            &self.system.root,
            project.clone(),
            runtime_folder.as_deref(),
        )?)
    }

    /// The running system; it is an error that none runs.
    ///
    /// # Errors
    /// When none runs, with how the last one ended.
    pub async fn running(&self) -> Result<AnyRuntime, Failure> {
        let home = self.home()?;
        match self.connect(&home).await? {
            Some(runtime) => Ok(runtime),
            None => {
                let why = crate::ended::sentence(&home, &*self.clock).await?;
                let what = match why {
                    Some(why) => format!("{} is not running: {why}", self.system.name),
                    None => format!("{} is not running", self.system.name),
                };
                Err(Failure::new(Exit::Inconclusive, what).hint("boot it with `msvc up -d`"))
            }
        }
    }

    /// How to launch a supervisor: this very program.
    ///
    /// # Errors
    /// When the system does not tell where the program is.
    pub fn launcher(&self) -> Result<Launcher, Failure> {
        let program = this_program().map_err(|why| {
            Failure::new(
                Exit::CouldNot,
                format!("cannot find the running program: {why}"),
            )
        })?;
        Ok(Launcher {
            program,
            arguments: vec![OsString::from("internal-guardian")],
            build: BUILD.to_owned(),
        })
    }

    /// What the user's commands are started with, so that they end with this program even where it
    /// is killed. `None` where nobody can be set to watch.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        let launch = || {
            let mark = Mark::new(&format!("{}-{}", std::process::id(), self.run));
            Ward::launch(&this_program().ok()?, &["internal-warden"], mark).ok()
        };
        let ward = self.ward.get_or_init(launch);
        ward.as_ref().map(|ward| ward.mark().clone())
    }

    /// Ends what builds and the user's commands have left running, daemons included. Those of a run
    /// that was not interrupted go on: they are the user's.
    pub async fn end_commands(&self) {
        if let Some(Some(ward)) = self.ward.get() {
            let mark = ward.mark();
            let _ = mark.end_carriers(&*self.clock, &self.shutdown).await;
        }
    }

    /// A case as it is shown: its files as seen from here, its commands with the flags that chose
    /// the system.
    #[must_use]
    pub fn case(&self, case: Case) -> Case {
        shown(&self.here, &self.repeat(&[]), case)
    }

    /// A line that does `command` on the same system: with the flags that chose it.
    #[must_use]
    pub fn repeat(&self, command: &[&str]) -> String {
        let mut words = vec!["msvc".to_owned()];
        words.extend(self.chosen_by.iter().map(|w| quoted(w)));
        words.extend(command.iter().map(|w| quoted(w)));
        words.join(" ")
    }

    /// A file as a line that repeats something names it.
    #[must_use]
    pub fn argument(&self, file: &Path) -> String {
        shown_path(file, &self.directory).display().to_string()
    }

    /// A line that does `command` on another project on the same files.
    #[must_use]
    pub fn repeat_as(&self, project: &ProjectName, command: &[&str]) -> String {
        let mut chosen = self.chosen_by.clone();
        if let Some(at) = chosen.iter().position(|word| word == "-p") {
            chosen.drain(at..(at + 2).min(chosen.len()));
        }
        chosen.extend(["-p".to_owned(), project.to_string()]);
        let words = std::iter::once("msvc").chain(chosen.iter().map(String::as_str));
        let words: Vec<String> = words.chain(command.iter().copied()).map(quoted).collect();
        words.join(" ")
    }

    /// Reads files as the loaders take them.
    #[must_use]
    pub fn files(&self) -> Files {
        self.terminal.files().clone()
    }

    /// Where events go: to the terminal, and into the run's record.
    pub fn sink(&self) -> impl Fn(Event) + Send + Sync + use<> {
        let terminal = self.terminal.clone();
        let record = Arc::clone(&self.record);
        let clock = Arc::clone(&self.clock);
        let began = self.began;
        let here = self.here.clone();
        let chosen = self.repeat(&[]);
        let warned = Arc::clone(&self.warned);
        move |event| {
            if let Event::Warned { problem } = &event {
                let mut warned = warned.lock().unwrap_or_else(PoisonError::into_inner);
                if !warned.insert(problem.clone()) {
                    return;
                }
            }
            let event = match event {
                Event::CaseEnded { case } => Event::CaseEnded {
                    case: shown(&here, &chosen, case),
                },
                Event::FaultLifted { fault, receipt } => Event::FaultLifted {
                    fault,
                    receipt: choosing(&receipt, &chosen),
                },
                other => other,
            };
            terminal.event(&event);
            let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
            let sequence = record.len() as u64 + 1;
            let since = clock.now().duration_since(began).as_nanos();
            record.push(Stamped {
                schema: msvc_report::event::SCHEMA.to_owned(),
                emitter: "msvc".to_owned(),
                sequence,
                monotonic_ns: u64::try_from(since).unwrap_or(u64::MAX),
                event,
            });
        }
    }

    /// Remembers the seed of the run's draws, for whoever repeats it.
    pub fn keep_seed(&self, seed: Option<&serde_json::Value>) {
        *self.seed.lock().unwrap_or_else(PoisonError::into_inner) = seed.cloned();
    }

    /// The seed of the run's draws, when it drew.
    #[must_use]
    pub fn seed(&self) -> Option<serde_json::Value> {
        self.seed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// All events so far.
    #[must_use]
    pub fn recorded(&self) -> Vec<Stamped> {
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn shown(here: &Here, chosen: &str, case: Case) -> Case {
    let mut case = here.case(case);
    for evidence in &mut case.evidence {
        evidence.what = choosing(&evidence.what, chosen);
    }
    case
}

/// Six characters of a random UUID: enough to tell the runs on one machine apart.
#[must_use]
pub fn run_id() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    id.chars().take(6).collect()
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
