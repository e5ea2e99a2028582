//! What no edge carries, as `up` told it: told again where a fault on it could not be put in place or
//! was felt by nobody.

use msvc_report::exit::Exit;
use msvc_runtime::build::BuildOutcome;
use msvc_runtime::docker::boot::{BootRequest, dry_run};
use msvc_runtime::lane::Publish;
use msvc_runtime::observed::Observed;
use msvc_system::id::EdgeSelector;

use crate::boot::Wish;
use crate::context::Context;
use crate::failure::Failure;
use crate::running::AnyRuntime;

/// How `up`'s warnings of it begin.
const BEGINS: &str = "not carried by the mesh: ";

/// What is not carried of the callers and callees that an edge names. Nothing among host processes:
/// their mesh carries what is called at all.
pub async fn of(context: &Context, runtime: &AnyRuntime, edge: &EdgeSelector) -> Vec<String> {
    let (AnyRuntime::Docker(runtime), Ok(home)) = (runtime, context.home()) else {
        return Vec::new();
    };
    let options = Wish::whole(Publish::AsTheFileSays).options(context, &home);
    let built = BuildOutcome::default();
    let request = BootRequest {
        system: &context.system,
        options: &options,
        built: &built,
        from: context.build_from,
        mesh: true,
    };
    // What cannot be planned says nothing of what runs.
    let Ok(prepared) = dry_run(runtime, &request, &Observed::default()).await else {
        return Vec::new();
    };
    let parties = [edge.caller.key(), edge.callee.as_str()];
    let told = prepared.wanted.warnings.into_iter().map(|it| it.what);
    told.filter(|what| {
        let about = what.strip_prefix(BEGINS).and_then(|it| it.split_once(": "));
        about.is_some_and(|(service, _)| parties.contains(&service))
    })
    .collect()
}

/// No fault can be put on an edge that the files know and the mesh that runs does not carry: why, and
/// which edge carries those calls instead, where one does.
pub async fn refusal(context: &Context, runtime: &AnyRuntime, edge: &EdgeSelector) -> Failure {
    let failure = Failure::new(
        Exit::Usage,
        format!("the mesh carries no edge `{edge}`, though the files have it"),
    );
    let (caller, callee) = (edge.caller.key(), edge.callee.as_str());
    let hosts = (house(context, caller), house(context, callee));
    if hosts != (None, None) {
        let (caller, callee) = (hosts.0.unwrap_or(caller), hosts.1.unwrap_or(callee));
        let port = edge.port.map(|port| format!(":{port}")).unwrap_or_default();
        return failure.hint(format!(
            "one of them lives in the network of another service (`network_mode`): name that one, \
             `{caller}->{callee}{port}`"
        ));
    }
    let mut why = of(context, runtime, edge).await;
    why.truncate(1);
    failure.hint(why.pop().unwrap_or_else(|| {
        "`msvc ps --edges` shows those that it carries; `msvc up` tells why it does not".to_owned()
    }))
}

/// The service in whose network this one lives.
fn house<'a>(context: &'a Context, service: &str) -> Option<&'a str> {
    let mut services = context.system.services.values();
    let service = services.find(|it| it.name.as_str() == service)?;
    let mode = service.other_fields.get("network_mode")?.value.as_str()?;
    mode.strip_prefix("service:")
}
