//! `msvc contract verify`: each provider booted alone, as a project of its own that is gone
//! afterwards, and every interaction checked.

use std::sync::Arc;

use msvc_contract::pact::Selection;
use msvc_contract::verify;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_report::report::Report;
use msvc_runtime::process::{self, ProcessRuntime};
use msvc_system::id::ProjectName;

use crate::cli::{Contract, ContractVerify};
use crate::context::Context;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::finish::finish;
use crate::{artifacts, prove};

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
    finish(context, report, Vec::new())
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
    let sink = context.sink();
    if pacts.select(selection).is_empty() {
        let case = verify::nothing(&pacts, selection);
        sink(Event::CaseEnded { case: case.clone() });
        return Ok(vec![case]);
    }
    let home = context.home_of(&own_project(context, "verify")?)?;
    let runtime =
        ProcessRuntime::launch(&home, &context.launcher()?, Arc::clone(&context.clock)).await?;
    runtime.attach(true).await?;
    let cases = prove::contracts(context, &runtime, &home, &pacts, selection, &sink).await;
    artifacts::keep_logs(context, &home)?;
    process::down(&home, true, &*context.clock).await?;
    forget(&home);
    cases
}

/// A project beside the user's, for this run only.
///
/// # Errors
/// Never in fact: the parts are valid names.
pub fn own_project(context: &Context, what: &str) -> Result<ProjectName, Failure> {
    let name = format!("{}-{what}-{}", context.system.name, context.run);
    ProjectName::new(name).map_err(|why| Failure::new(Exit::CouldNot, why.to_string()))
}

/// Removes the records of a project that was this run's only.
pub fn forget(home: &msvc_runtime::process::ProjectHome) {
    // What cannot be removed is in nobody's way.
    let _ = std::fs::remove_dir_all(home.folder());
}
