//! Brings the provider into the states that an interaction asks for, through the provider's own
//! state endpoint: `POST {"consumer", "state", "params", "action": "setup" | "teardown"}`.
//!
//! A state that nobody can set up fails its interaction and says what to add; it is never only a
//! warning. What the endpoint answers as a JSON object is handed to the request's generators.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pact_models::provider_states::ProviderState;
use pact_verifier::callback_executors::ProviderStateExecutor;
use serde_json::{Value, json};

/// Characters of an endpoint's answer that are shown.
const SHOWN: usize = 300;

/// A provider state could not be set up or taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The provider has no state endpoint.
    #[error(
        "the provider state `{state}` cannot be set up: `{provider}` has no state endpoint; give \
         it one that takes POST {{\"state\": \"{state}\", \"action\": \"setup\"}} and name its \
         path in `x-msvc.contract.states`"
    )]
    NoEndpoint {
        /// The state.
        state: String,
        /// Who has none.
        provider: String,
    },
    /// The endpoint does not know the state, or is not there (4xx).
    #[error(
        "the provider state `{state}` has no handler that takes it: POST {url} answered \
         {status}{said}; it must answer {request} with 2xx"
    )]
    Unknown {
        /// The state.
        state: String,
        /// Where it was asked for.
        url: String,
        /// What the endpoint answered with.
        status: u16,
        /// What it said, with a colon in front, or nothing.
        said: String,
        /// What it was asked, in short.
        request: String,
    },
    /// The handler failed.
    #[error("the handler of the provider state `{state}` failed ({action}): {why}")]
    Failed {
        /// The state.
        state: String,
        /// `setup` or `teardown`.
        action: &'static str,
        /// Its status and what it said.
        why: String,
    },
}

/// Sets the states of one interaction and keeps what went wrong.
#[derive(Debug)]
pub(crate) struct States {
    /// Who asks.
    pub(crate) consumer: String,
    /// Who is asked.
    pub(crate) provider: String,
    /// Where, when it has an endpoint.
    pub(crate) url: Option<String>,
    /// With a timeout.
    pub(crate) client: reqwest::Client,
    /// What went wrong so far.
    pub(crate) errors: Mutex<Vec<StateError>>,
}

impl States {
    /// What went wrong, and forgets it.
    pub(crate) fn take_errors(&self) -> Vec<StateError> {
        std::mem::take(&mut *self.errors.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn change(
        &self,
        state: &ProviderState,
        setup: bool,
    ) -> Result<HashMap<String, Value>, StateError> {
        let action = if setup { "setup" } else { "teardown" };
        let Some(url) = &self.url else {
            return if setup {
                Err(StateError::NoEndpoint {
                    state: state.name.clone(),
                    provider: self.provider.clone(),
                })
            } else {
                Ok(HashMap::new())
            };
        };
        let request = json!({
            "consumer": self.consumer,
            "state": state.name,
            "params": state.params,
            "action": action,
        });
        let failed = |why: String| StateError::Failed {
            state: state.name.clone(),
            action,
            why,
        };
        let answer = self
            .client
            .post(url)
            .json(&request)
            .send()
            .await
            .map_err(|error| failed(format!("POST {url}: {}", with_causes(&error))))?;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .map_err(|error| failed(format!("POST {url}: {}", with_causes(&error))))?;
        let said = if text.trim().is_empty() {
            String::new()
        } else {
            format!(": {}", text.trim().chars().take(SHOWN).collect::<String>())
        };
        if status.is_success() {
            Ok(values(&text))
        } else if status.is_client_error() && !setup {
            // Handlers that only set up are common; what they cannot take back is their matter.
            Ok(HashMap::new())
        } else if status.is_client_error() {
            Err(StateError::Unknown {
                state: state.name.clone(),
                url: url.clone(),
                status: status.as_u16(),
                said,
                request: asked_for(state),
            })
        } else {
            Err(failed(format!(
                "POST {url} answered {}{said}",
                status.as_u16()
            )))
        }
    }
}

#[async_trait::async_trait]
impl ProviderStateExecutor for States {
    async fn call(
        self: Arc<Self>,
        _interaction_id: Option<String>,
        provider_state: &ProviderState,
        setup: bool,
        _client: Option<&reqwest::Client>,
    ) -> anyhow::Result<HashMap<String, Value>> {
        // An interaction without states comes with one state without a name.
        if provider_state.name.is_empty() {
            return Ok(HashMap::new());
        }
        match self.change(provider_state, setup).await {
            Ok(values) => Ok(values),
            Err(error) => {
                self.errors
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(error.clone());
                // A failed teardown must not hide what the interaction itself came to.
                if setup {
                    Err(error.into())
                } else {
                    Ok(HashMap::new())
                }
            }
        }
    }

    fn teardown(&self) -> bool {
        self.url.is_some()
    }
}

/// A state change in short: what a handler has to tell apart.
fn asked_for(state: &ProviderState) -> String {
    let mut names: Vec<&str> = state.params.keys().map(String::as_str).collect();
    names.sort_unstable();
    let change = json!({ "state": state.name, "action": "setup" });
    if names.is_empty() {
        change.to_string()
    } else {
        format!("{change} (with params {})", names.join(", "))
    }
}

fn values(text: &str) -> HashMap<String, Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields.into_iter().collect(),
        _ => HashMap::new(),
    }
}

/// An error with what caused it; `reqwest` says only the outermost part by itself.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}
