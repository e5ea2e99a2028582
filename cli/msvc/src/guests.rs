//! Who is brought up beside the services that `up` names: those that run in the network of one of them
//! (`network_mode: service:X`). Where X is made anew its network goes, and they would stay in it, where
//! nobody hears them.

use std::collections::BTreeSet;

use msvc_runtime::lane::{Subset, chosen};
use msvc_system::id::ServiceName;
use msvc_system::model::{Service, System};

use crate::context::Context;
use crate::failure::Failure;
use crate::running::AnyRuntime;

/// Adds them to a choice of services, where the system runs in an engine.
///
/// # Errors
/// When the engine does not answer, or a service is named that the system does not have.
pub async fn beside(
    context: &Context,
    runtime: Option<&AnyRuntime>,
    services: &mut Subset,
) -> Result<(), Failure> {
    let (Some(AnyRuntime::Docker(runtime)), Subset::WithDependencies(_)) = (runtime, &services)
    else {
        return Ok(());
    };
    let running = runtime.running().await?;
    let running: BTreeSet<ServiceName> = running.into_iter().map(|it| it.service).collect();
    add(&context.system, &running, services)
}

fn add(
    system: &System,
    running: &BTreeSet<ServiceName>,
    services: &mut Subset,
) -> Result<(), Failure> {
    loop {
        let all = chosen(system, services)?;
        let Subset::WithDependencies(named) = services else {
            return Ok(());
        };
        let left_out = running.iter().filter(|name| !all.contains(*name));
        let guests = left_out.filter(|name| {
            let host = system.service(name.as_str()).and_then(host);
            host.is_some_and(|host| all.iter().any(|it| it.as_str() == host))
        });
        let before = named.len();
        named.extend(guests.cloned());
        if named.len() == before {
            return Ok(());
        }
    }
}

/// In whose network a service lives.
fn host(service: &Service) -> Option<&str> {
    let mode = service.other_fields.get("network_mode")?.value.as_str()?;
    mode.strip_prefix("service:")
}
