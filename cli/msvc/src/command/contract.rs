//! `msvc contract verify`: each provider booted alone, as a project of its own that is gone
//! afterwards, and every interaction checked.

use std::collections::BTreeSet;

use msvc_contract::pact::{Pacts, Selection};
use msvc_contract::verify;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_report::report::Report;

use crate::cli::{Contract, ContractVerify};
use crate::context::Context;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::finish::finish;
use crate::own_system::OwnSystem;
use crate::prove;

/// Verifies contracts.
///
/// # Errors
/// When a pact is broken or a provider cannot be booted.
pub async fn run(context: &Context, request: &Contract) -> Result<Ending, Failure> {
    let Contract::Verify(request) = request;
    let began = context.clock.now();
    let selection = Selection {
        consumer: request.consumer.clone(),
        provider: request.provider.clone(),
        interaction: request.interaction.clone(),
    };
    let cases = verify_all(context, request, &selection).await?;
    let mut report = Report::over(
        "contract verify",
        context.system.name.as_str(),
        &context.run,
        "",
        cases,
    );
    report.seconds = context.clock.now().duration_since(began).as_secs_f64();
    Ok(finish(context, report, Vec::new()))
}

async fn verify_all(
    context: &Context,
    request: &ContractVerify,
    selection: &Selection,
) -> Result<Vec<msvc_report::case::Case>, Failure> {
    let Some(pacts) = prove::pacts(context, &request.pacts)? else {
        return Err(Failure::new(Exit::Inconclusive, "there are no contracts to verify").hint(
            "name pact files, or their folder in the Compose file as `x-msvc: {contracts: DIR}`",
        ));
    };
    named(context, &pacts, selection)?;
    let sink = context.sink();
    if pacts.select(selection).is_empty() {
        let case = verify::nothing(&pacts, selection);
        sink(Event::CaseEnded { case: case.clone() });
        return Ok(vec![case]);
    }
    let given: Vec<_> = request.pacts.iter().map(|p| p.to_string_lossy()).collect();
    let words = ["contract", "verify"].into_iter();
    let words: Vec<&str> = words.chain(given.iter().map(AsRef::as_ref)).collect();
    let contracts = prove::Contracts {
        pacts: &pacts,
        selection,
        built: None,
        again: context.repeat(&words),
    };
    let own = OwnSystem::launch(context, "verify", context.place().await?).await?;
    let cases = prove::contracts(context, &own.runtime, &own.home, &contracts, &sink).await;
    own.conclude(context, cases).await
}

/// That the parties asked for are some of the system's, or of its pacts.
fn named(context: &Context, pacts: &Pacts, selection: &Selection) -> Result<(), Failure> {
    let services = || context.system.services.keys().map(|name| name.as_str());
    let consumers = pacts.files.iter().map(|pact| pact.consumer.as_str());
    let providers = pacts.files.iter().map(|pact| pact.provider.as_str());
    let unknown = |kind, asked: &Option<String>, known: BTreeSet<&str>| match asked {
        Some(name) if !known.contains(name.as_str()) => Err(Failure::unknown(kind, name, known)),
        _ => Ok(()),
    };
    unknown(
        "consumer",
        &selection.consumer,
        services().chain(consumers).collect(),
    )?;
    unknown(
        "provider",
        &selection.provider,
        services().chain(providers).collect(),
    )
}
