//! A service that was not started, told at the line that says what it runs.

use msvc_report::exit::Exit;
use msvc_runtime::contract::RuntimeError;
use msvc_runtime::up::UpError;
use msvc_system::id::ServiceName;
use msvc_system::problem::{Place, Problem};

use crate::context::Context;
use crate::failure::Failure;

/// That what a service's `post_start` runs did not end well, at its line; else the error again.
pub(super) fn hook_failed(context: &Context, error: UpError) -> Result<Failure, UpError> {
    let UpError::Runtime(RuntimeError::PostStart {
        instance,
        number,
        why,
    }) = error
    else {
        return Err(error);
    };
    let service = context.system.service(instance.service.as_str());
    let hook = service.and_then(|it| it.post_start.get(number));
    let place = hook.map(|it| it.place.clone());
    let hint = "it is run where the service runs, once it has started: correct it, or make what it \
                needs";
    Ok(not_started(&instance.service, &why, place, hint))
}

/// A service that was not started, with the line that says what it runs.
pub(super) fn not_started(
    name: &ServiceName,
    why: &str,
    place: Option<Place>,
    hint: &str,
) -> Failure {
    let what = format!("{name} cannot be started: {why}");
    let mut problem = Problem::error(what).hint(hint);
    problem.place = place;
    Failure {
        exit: Exit::Failed,
        problems: vec![problem],
        lines: Vec::new(),
    }
}
