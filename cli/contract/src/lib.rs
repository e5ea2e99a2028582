//! Contracts: what a consumer's pact files expect of a provider, held against the running
//! provider.
//!
//! What comes in: pact files (JSON, Pact specification 1 to 4) and where the provider answers.
//! What leaves: one [`msvc_report::case::Case`] per interaction. What must not enter: how a
//! provider is started or stopped, journeys, faults, printing.
//!
//! The matching rules are the ecosystem's own (`pact_verifier`, `pact_models`), not ours. Its
//! function `verify_pact_internal` is used, not `verify_provider`: that one prints, sends usage
//! figures to a third party without a timeout, and passes when nothing was verified. The one used
//! here does the matching alone; no figures leave the machine, whatever `PACT_DO_NOT_TRACK` says.
//!
//! Layout
//! - [`pact`]: pact files as values, with the place of each interaction; what to select of them.
//! - [`states`]: brings the provider into the states that an interaction asks for.
//! - [`http`]: one HTTP interaction, played and matched.
//! - [`mismatch`]: what did not match, in words.
//! - [`environment`]: what the process's environment must say before.
//! - [`verify`]: all selected interactions against one provider.
//!
//! Interactions over gRPC and events have their kinds in [`pact::Kind`] and are reported by name
//! as not verified; they are never a pass.

pub mod environment;
pub mod http;
pub mod mismatch;
pub mod pact;
pub mod states;
pub mod verify;
