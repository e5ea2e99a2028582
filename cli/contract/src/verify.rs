//! All selected interactions against one provider that runs.
//!
//! One after the other, for they share the provider's data. Each is played on a thread of its
//! own: the matching engine's future cannot move between threads, and a fault in it ends that
//! interaction alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_machine::http_client::{HttpClientError, HttpClientOptions, http_client};
use msvc_machine::shutdown::Shutdown;
use msvc_report::case::{Case, Evidence, Verdict};
use msvc_report::event::Event;
use serde_json::Value;

use crate::http::{Outcome, Target, play};
use crate::pact::{Interaction, Kind, PactFile, Pacts, Selection};
use crate::states::States;

/// Contracts could not be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The provider's address cannot be used.
    #[error("`{url}` is no base URL of a provider: it must begin with http:// or https://")]
    BaseUrl {
        /// As given.
        url: String,
    },
    /// No HTTP client can be made.
    #[error(transparent)]
    Client(#[from] HttpClientError),
    /// It is not who its certificate should say, or does not answer over TLS at all.
    #[error("the provider cannot be called over HTTPS: {}", core_of(.0))]
    NotVouchedFor(#[source] reqwest::Error),
    /// The user wants to end.
    #[error("interrupted")]
    Interrupted,
}

/// What an HTTP library's error comes from.
fn core_of(error: &reqwest::Error) -> String {
    let mut core: &dyn std::error::Error = error;
    while let Some(source) = core.source() {
        core = source;
    }
    core.to_string()
}

/// Where a provider answers.
#[derive(Debug, Clone)]
pub struct ProviderEntry {
    /// Its base URL, for example `http://127.1.2.3:8080`.
    pub base_url: String,
    /// Its state endpoint, absolute; `None` when it has none.
    pub states_url: Option<String>,
    /// The longest that a request or a state change may take.
    pub timeout: Duration,
    /// Certificates (PEM) that vouch for it, where it is spoken to over HTTPS.
    pub trust_pem: Option<Vec<u8>>,
    /// The command that verifies again, without its selection: `msvc contract verify`.
    pub again: String,
}

/// Verifies every interaction of `pacts`, all of one provider, and hands each case to `sink` as it
/// comes out.
///
/// # Errors
/// When the provider's address is unusable, no client can be made, or the user wants to end.
pub async fn verify(
    pacts: &[PactFile],
    entry: &ProviderEntry,
    clock: &dyn Clock,
    sink: &(dyn Fn(Event) + Send + Sync),
    shutdown: &Shutdown,
) -> Result<Vec<Case>, VerifyError> {
    let mut target = Target::parse(&entry.base_url)?;
    let client = http_client(&HttpClientOptions {
        timeout: entry.timeout,
        trust_pem: entry.trust_pem.clone(),
        ..HttpClientOptions::default()
    })?;
    if target.is_https() && entry.trust_pem.is_some() {
        // The matching engine can be given no certificates of ours: that the provider is who it
        // should be is seen here, once.
        let asked = client.head(&entry.base_url).send().await;
        asked.map_err(VerifyError::NotVouchedFor)?;
        target.is_vouched_for = true;
    }
    let mut cases = Vec::new();
    for pact in pacts {
        if pact.interactions.is_empty() {
            let case = empty(pact, &entry.again);
            sink(Event::CaseEnded { case: case.clone() });
            cases.push(case);
        }
        for interaction in &pact.interactions {
            let began = clock.now();
            let outcome = match &interaction.kind {
                Kind::Http => {
                    let states = States {
                        consumer: pact.consumer.clone(),
                        provider: pact.provider.clone(),
                        url: entry.states_url.clone(),
                        client: client.clone(),
                        errors: Mutex::default(),
                    };
                    let job = Job {
                        pact: pact.alone(interaction),
                        source: pact.path.display().to_string(),
                        target: target.clone(),
                        states: Arc::new(states),
                        timeout: entry.timeout,
                        longest: longest(interaction, entry.timeout),
                    };
                    Some(job.run(shutdown).await?)
                }
                Kind::Grpc | Kind::Event | Kind::Messages | Kind::Plugin(_) => None,
            };
            let mut case = judge(pact, interaction, outcome);
            case.seconds = clock.now().duration_since(began).as_secs_f64();
            case.repeat = Some(again(&entry.again, pact, interaction));
            sink(Event::CaseEnded { case: case.clone() });
            cases.push(case);
        }
    }
    Ok(cases)
}

/// The case that says that nothing was there to verify.
#[must_use]
pub fn nothing(pacts: &Pacts, selection: &Selection) -> Case {
    Case::new("contract", "contracts", Verdict::Inconclusive).because(pacts.nothing(selection))
}

/// The request, and each state's setup and teardown, with as much again for what lies between.
fn longest(interaction: &Interaction, timeout: Duration) -> Duration {
    let requests = 1 + 2 * u32::try_from(interaction.states.len()).unwrap_or(1000);
    timeout.saturating_mul(requests.saturating_mul(2))
}

/// One interaction to play on a thread of its own.
struct Job {
    pact: Value,
    source: String,
    target: Target,
    states: Arc<States>,
    timeout: Duration,
    longest: Duration,
}

impl Job {
    async fn run(self, shutdown: &Shutdown) -> Result<Outcome, VerifyError> {
        let shutdown = shutdown.clone();
        let played = tokio::task::spawn_blocking(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            {
                Ok(runtime) => runtime,
                Err(error) => return Ok(Outcome::Unanswered(error.to_string())),
            };
            runtime.block_on(async {
                let play = play(
                    &self.pact,
                    &self.source,
                    &self.target,
                    self.states,
                    self.timeout,
                );
                tokio::select! {
                    () = shutdown.requested() => Err(VerifyError::Interrupted),
                    played = tokio::time::timeout(self.longest, play) => Ok(played.unwrap_or_else(
                        |_| Outcome::Unanswered(format!("no end within {:?}", self.longest)),
                    )),
                }
            })
        });
        match played.await {
            Ok(outcome) => outcome,
            Err(_) => Ok(Outcome::Unanswered(
                "the matching engine broke down on this interaction".to_owned(),
            )),
        }
    }
}

fn judge(pact: &PactFile, interaction: &Interaction, outcome: Option<Outcome>) -> Case {
    let (mut verdict, said) = match outcome {
        None => not_verified(&interaction.kind),
        Some(Outcome::Matched) => (Verdict::Held, Vec::new()),
        Some(Outcome::Mismatched(sentences)) => (Verdict::Failed, sentences),
        Some(Outcome::States(errors, sentences)) => (
            Verdict::Failed,
            errors
                .iter()
                .map(ToString::to_string)
                .chain(sentences)
                .collect(),
        ),
        Some(Outcome::Unanswered(why)) => (
            Verdict::Failed,
            vec![format!(
                "`{}` gave no answer to match: {why}",
                pact.provider
            )],
        ),
        Some(Outcome::Nothing) => (
            Verdict::Inconclusive,
            vec!["the matching engine verified nothing".to_owned()],
        ),
    };
    let mut case = Case::new(
        format!("contract/{}/{}", pact.pair(), interaction.name),
        format!("{}: {}", pact.pair(), interaction.name),
        verdict,
    );
    let pending = interaction.pending && verdict == Verdict::Failed;
    if pending {
        verdict = Verdict::Inconclusive;
        case = Case {
            verdict,
            exit: verdict.into(),
            ..case
        }
        .because("the consumer marked it as pending: it is known not to be kept yet");
    }
    case.subjects = vec![
        pact.consumer.clone(),
        pact.provider.clone(),
        pact.path.display().to_string(),
    ];
    case.evidence.extend(
        said.into_iter()
            .map(|what| Evidence::said(what).at(interaction.place.clone())),
    );
    if verdict == Verdict::Held {
        case.evidence
            .push(Evidence::said("the answer was as expected").at(interaction.place.clone()));
    }
    case
}

/// What is not verified is said by name and never passes.
fn not_verified(kind: &Kind) -> (Verdict, Vec<String>) {
    match kind {
        Kind::Http => (Verdict::Inconclusive, Vec::new()),
        Kind::Grpc => open("a gRPC call"),
        Kind::Event => open("an event (a message)"),
        Kind::Messages => open("a message with answers"),
        Kind::Plugin(name) => (
            Verdict::Failed,
            vec![format!(
                "it needs the Pact plug-in `{name}`, which msvc does not load"
            )],
        ),
    }
}

fn open(what: &str) -> (Verdict, Vec<String>) {
    (
        Verdict::Inconclusive,
        vec![format!("it is {what}, which msvc does not verify yet")],
    )
}

/// A pact that promises nothing.
fn empty(pact: &PactFile, command: &str) -> Case {
    let mut case = Case::new(
        format!("contract/{}", pact.pair()),
        pact.pair(),
        Verdict::Inconclusive,
    );
    let what = "the pact has no interactions: nothing is promised, and nothing was verified; let \
                the consumer's tests write it again";
    case.evidence = vec![Evidence::said(what).at(pact.place.clone())];
    case.subjects = vec![
        pact.consumer.clone(),
        pact.provider.clone(),
        pact.path.display().to_string(),
    ];
    case.repeat = Some(of_pair(command, pact));
    case
}

/// The line that verifies a pair again.
fn of_pair(command: &str, pact: &PactFile) -> String {
    format!(
        "{command} --consumer {} --provider {}",
        quoted(&pact.consumer),
        quoted(&pact.provider)
    )
}

fn again(command: &str, pact: &PactFile, interaction: &Interaction) -> String {
    let pair = of_pair(command, pact);
    format!("{pair} --interaction {}", quoted(&interaction.name))
}

/// A word as a shell takes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
