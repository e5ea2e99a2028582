//! What no edge carries, as `up` told it: told again where a fault on it could not be put in place or
//! was felt by nobody.

use msvc_runtime::build::BuildOutcome;
use msvc_runtime::docker::boot::{BootRequest, dry_run};
use msvc_runtime::lane::Publish;
use msvc_runtime::observed::Observed;
use msvc_system::id::EdgeSelector;

use crate::boot::Wish;
use crate::context::Context;
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
