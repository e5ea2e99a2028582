//! The certificates that `x-msvc.ca` names: read out of the running service's own files when they
//! are needed, because it makes them at its first start and may make others later.

use std::path::PathBuf;

use msvc_journey::{Authority, Trusted};
use msvc_machine::disk::read_regular;
use msvc_machine::http_client::{HttpClientOptions, http_client};
use msvc_runtime::lane::host_file;
use msvc_runtime::observed::WayIn;
use msvc_runtime::process::ProjectHome;
use msvc_system::id::LaneName;
use msvc_system::model::{Placed, Service};
use msvc_system::problem::Problem;

use crate::context::Context;
use crate::running::AnyRuntime;

/// More certificates than any host trusts.
const MOST: usize = 1024 * 1024;

/// The CA of one service of a lane.
#[derive(Debug, Clone)]
pub struct ServiceCa {
    service: Service,
    lane: LaneName,
    ca: Placed<String>,
    home: PathBuf,
    runtime: AnyRuntime,
}

impl ServiceCa {
    /// The CA of a service, where its `x-msvc` names one.
    #[must_use]
    pub fn of(
        service: &Service,
        lane: &LaneName,
        runtime: &AnyRuntime,
        home: &ProjectHome,
    ) -> Option<Self> {
        Some(Self {
            service: service.clone(),
            lane: lane.clone(),
            ca: service.x_msvc.ca.clone()?,
            home: home.folder(),
            runtime: runtime.clone(),
        })
    }

    async fn read(&self) -> Result<Vec<u8>, String> {
        let path = self.ca.value.as_str();
        match &self.runtime {
            AnyRuntime::Docker(runtime) => {
                let name = &self.service.name;
                let read = runtime.read_file(&self.lane, name, path, MOST);
                read.await.map_err(|why| why.to_string())
            }
            AnyRuntime::Process(_) => {
                let file = host_file(&self.service, &self.lane, &self.home, path);
                let file = file.ok_or("it is no file of the host")?;
                let read = read_regular(&file, MOST as u64);
                read.map_err(|why| format!("{}: {why}", file.display()))
            }
        }
    }
}

#[async_trait::async_trait]
impl Authority for ServiceCa {
    async fn certificates(&self) -> Result<Vec<u8>, Problem> {
        let (name, path) = (&self.service.name, &self.ca.value);
        let refused = |why: String, hint: String| {
            let what = format!("the CA of {name} ({path}) cannot be used: {why}");
            Problem::error(what).at(self.ca.place.clone()).hint(hint)
        };
        let pem = self.read().await.map_err(|why| {
            let hint =
                format!("{name} keeps it in that file, once it has started; look whether it does");
            refused(why, hint)
        })?;
        let trusting = HttpClientOptions {
            trust_pem: Some(pem.clone()),
            ..HttpClientOptions::default()
        };
        match http_client(&trusting) {
            Ok(_) => Ok(pem),
            Err(why) => Err(refused(
                why.to_string(),
                "let it be a certificate in PEM, as text".to_owned(),
            )),
        }
    }
}

/// Who vouches for each of the ways into a lane.
#[must_use]
pub fn trusted(
    context: &Context,
    ways: &[WayIn],
    lane: &LaneName,
    runtime: &AnyRuntime,
    home: &ProjectHome,
) -> Vec<Trusted> {
    let of = |way: &WayIn| {
        let service = context.system.service(way.service.as_str())?;
        let authority = ServiceCa::of(service, lane, runtime, home)?;
        Some(Trusted {
            address: way.address,
            authority: std::sync::Arc::new(authority),
        })
    };
    ways.iter().filter_map(of).collect()
}
