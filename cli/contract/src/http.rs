//! One HTTP interaction: the states are set, the request sent, the answer matched.

use std::sync::Arc;
use std::time::Duration;

use pact_models::pact::load_pact_from_json;
use pact_verifier::verification_result::VerificationMismatchResult;
use pact_verifier::{
    FilterInfo, MismatchResult, NullRequestFilterExecutor, ProviderInfo, ProviderTransport,
    VerificationOptions, verify_pact_internal,
};
use serde_json::Value;

use crate::states::{StateError, States};
use crate::{mismatch, verify::VerifyError};

/// Characters of an unexpected answer's body that are shown.
const SHOWN: usize = 300;

/// Where the requests go, taken apart as the matching engine wants it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
    /// Whether its certificate was seen to be good, or there is none to look at.
    pub(crate) is_vouched_for: bool,
}

impl Target {
    /// Whether it is spoken to over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The parts of a base URL.
    pub(crate) fn parse(base_url: &str) -> Result<Self, VerifyError> {
        let wrong = || VerifyError::BaseUrl {
            url: base_url.to_owned(),
        };
        let url = reqwest::Url::parse(base_url).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong());
        }
        Ok(Self {
            scheme: url.scheme().to_owned(),
            is_vouched_for: url.scheme() == "http",
            host: url.host_str().ok_or_else(wrong)?.to_owned(),
            port: url.port(),
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }

    fn provider(&self, name: &str) -> ProviderInfo {
        let transport = |kind: &str| ProviderTransport {
            transport: kind.to_owned(),
            port: self.port,
            path: Some(self.path.clone()),
            scheme: Some(self.scheme.clone()),
        };
        ProviderInfo {
            name: name.to_owned(),
            host: self.host.clone(),
            transports: vec![transport("http"), transport("https")],
            ..ProviderInfo::default()
        }
    }
}

/// How one interaction came out.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The answer was as expected.
    Matched,
    /// It was not; each sentence names what differed.
    Mismatched(Vec<String>),
    /// States could not be set up or taken back; what else was seen stands in the sentences.
    States(Vec<StateError>, Vec<String>),
    /// No answer came, or it could not be read.
    Unanswered(String),
    /// The matching engine did not verify anything.
    Nothing,
}

/// Plays the one interaction that `pact` holds. Each request may take `timeout`.
pub(crate) async fn play(
    pact: &Value,
    source: &str,
    target: &Target,
    states: Arc<States>,
    timeout: Duration,
) -> Outcome {
    let pact = match load_pact_from_json(source, pact) {
        Ok(pact) => pact,
        Err(error) => return Outcome::Unanswered(error.to_string()),
    };
    let options = VerificationOptions::<NullRequestFilterExecutor> {
        coloured_output: false,
        request_timeout: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
        // A redirect is an answer like any other.
        follow_redirects: false,
        // Without TLS there is no certificate to check, and the client then does not read the
        // host's 147 of them for each interaction (nor fails on a host that has none).
        disable_ssl_verification: target.is_vouched_for,
        ..VerificationOptions::default()
    };
    let verified = verify_pact_internal(
        &target.provider(&states.provider),
        &FilterInfo::None,
        pact,
        &options,
        &states,
        false,
        Duration::ZERO,
    )
    .await;
    let results = match verified {
        Ok(verified) => verified.results,
        Err(error) => return Outcome::Unanswered(error.to_string()),
    };
    let mut sentences = Vec::new();
    let mut unanswered = None;
    if results.is_empty() {
        return Outcome::Nothing;
    }
    for error in results.iter().filter_map(|r| r.result.as_ref().err()) {
        match error {
            MismatchResult::Error(why, _) => unanswered = Some(why.clone()),
            MismatchResult::Mismatches { actual, .. } => {
                sentences.extend(differences(error));
                sentences.extend(body_of(actual.contents_for_verification().display_string()));
            }
        }
    }
    let failed = states.take_errors();
    match (failed.is_empty(), unanswered) {
        (false, _) => Outcome::States(failed, sentences),
        (true, Some(why)) => Outcome::Unanswered(why),
        (true, None) if sentences.is_empty() => Outcome::Matched,
        (true, None) => Outcome::Mismatched(sentences),
    }
}

fn differences(error: &MismatchResult) -> Vec<String> {
    let told: Value = (&VerificationMismatchResult::from(error)).into();
    let list = told.get("mismatches").and_then(Value::as_array);
    let mut list: Vec<&Value> = list.into_iter().flatten().collect();
    // Another status explains the rest; what a header says explains a body.
    list.sort_by_key(|mismatch| mismatch::weight(mismatch));
    let mut sentences: Vec<String> = list.into_iter().flat_map(mismatch::sentences).collect();
    if sentences.is_empty() {
        sentences.push("the answer differs in a way that the matching engine does not name".into());
    }
    // The engine tells an absent field once for the map and once for the rule.
    let mut seen = std::collections::HashSet::new();
    sentences.retain(|sentence| seen.insert(sentence.clone()));
    sentences
}

fn body_of(body: String) -> Option<String> {
    let body = body.trim();
    (!body.is_empty()).then(|| {
        let mut text: String = body.chars().take(SHOWN).collect();
        if body.chars().count() > SHOWN {
            text.push('…');
        }
        format!("the answer's body: {text}")
    })
}
