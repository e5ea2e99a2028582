//! The shop booted in containers, images built: by `msvc up`, and as the same containers made by
//! bare calls of the engine in the same order, each level at once, ended at the same health
//! commands. In turn, in one run; prints both medians and their ratio.
//!
//!     cargo bench --bench up --profile dev
//!     cargo bench --bench up --profile dev -- PATH    for another msvc than the one built: a release
//!
//! The bare side knows everything before it begins: it reads no file, asks no cargo what is fresh,
//! looks for nothing that may be there, and has no mesh. It makes one network, the volumes, then
//! the containers level by level, all of a level at once, and asks each by its health command from
//! the moment it is started.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement prints and may fail loudly"
)]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::exec::StartExecOptions;
use bollard::models::{
    ContainerCreateBody, EndpointSettings, ExecConfig, HostConfig, MountType, NetworkCreateRequest,
    NetworkingConfig, VolumeCreateRequest,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions, StartContainerOptions,
};
use futures_util::future::{join_all, try_join_all};

const ROUNDS: usize = 7;
const PROJECT: &str = "msvc-bench-up";
/// The one network of the bare containers, and the beginning of all their names.
const BARE: &str = "msvc-bench-bare";

/// A container of the shop, as msvc made it, without what is the mesh's.
struct Service {
    name: String,
    body: ContainerCreateBody,
    needs: Vec<String>,
    volumes: Vec<String>,
    health: Vec<String>,
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-system")
}

/// The msvc that is measured.
fn program() -> PathBuf {
    // Cargo adds words of its own.
    let given = std::env::args_os().skip(1).map(PathBuf::from);
    let mut given = given.filter(|word| !word.to_string_lossy().starts_with('-'));
    let built = || PathBuf::from(env!("CARGO_BIN_EXE_msvc"));
    let program = given.next().unwrap_or_else(built);
    // Cargo runs this in the package's folder, and who gives a path stands at the root.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join(program)
}

/// A file over the shop's that publishes the gateway at any free port: whatever else runs on this
/// machine, nobody waits for a number.
fn any_port() -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("any-port.yaml");
    let text = "services: {gateway: {ports: !override [\"127.0.0.1::8080\"]}}\n";
    std::fs::write(&file, text).unwrap();
    file
}

/// Runs msvc on the shop; how long it took.
fn msvc(words: &[&str]) -> Duration {
    let (program, any_port) = (program(), any_port());
    let since = Instant::now();
    let ended = Command::new(program)
        .args([
            "-C",
            sample().to_str().unwrap(),
            "-f",
            "compose.yaml",
            "-f",
            any_port.to_str().unwrap(),
            "-p",
            PROJECT,
            "--runtime",
            "docker",
            "-q",
        ])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{words:?}: {said}");
    since.elapsed()
}

/// What runs, read back from the engine.
async fn services(docker: &Docker) -> Vec<Service> {
    let filters = HashMap::from([(
        "label",
        vec![format!("com.docker.compose.project={PROJECT}")],
    )]);
    let options = ListContainersOptionsBuilder::default()
        .filters(&filters)
        .build();
    let listed = docker.list_containers(Some(options)).await.unwrap();
    let seen = listed.into_iter().map(|one| async move {
        docker
            .inspect_container(&one.id.unwrap(), None::<InspectContainerOptions>)
            .await
            .unwrap()
    });
    let mut services = Vec::new();
    for seen in join_all(seen).await {
        let config = seen.config.unwrap();
        let host = seen.host_config.unwrap();
        let labels = config.labels.unwrap_or_default();
        let Some(name) = labels.get("msvc.service") else {
            continue;
        };
        let needs = labels.get("com.docker.compose.depends_on").cloned();
        let needs = needs.unwrap_or_default();
        let mounts = host.mounts.clone().unwrap_or_default();
        // Secrets are mounts too: of files, which nobody makes.
        let kept = mounts
            .iter()
            .filter(|one| one.typ == Some(MountType::VOLUME));
        let volumes = kept.filter_map(|mount| mount.source.clone());
        let health = config
            .healthcheck
            .clone()
            .and_then(|it| it.test)
            .unwrap_or_default();
        let place = EndpointSettings {
            aliases: Some(vec![name.clone()]),
            ..Default::default()
        };
        services.push(Service {
            name: name.clone(),
            needs: needs
                .split(',')
                .filter_map(|one| Some(one.split(':').next()?.to_owned()))
                .filter(|one| !one.is_empty())
                .collect(),
            volumes: volumes.collect(),
            health,
            body: ContainerCreateBody {
                image: config.image,
                cmd: config.cmd,
                entrypoint: config.entrypoint,
                env: config.env,
                working_dir: config.working_dir,
                healthcheck: config.healthcheck,
                exposed_ports: config.exposed_ports,
                host_config: Some(HostConfig {
                    binds: host.binds,
                    mounts: host.mounts,
                    restart_policy: host.restart_policy,
                    init: host.init,
                    ..Default::default()
                }),
                networking_config: Some(NetworkingConfig {
                    endpoints_config: Some(HashMap::from([(BARE.to_owned(), place)])),
                }),
                ..Default::default()
            },
        });
    }
    assert!(services.len() > 5, "the shop has more services than that");
    services
}

/// Who starts after whom, all of a level at once.
fn levels(services: &[Service]) -> Vec<Vec<&Service>> {
    let mut depth: BTreeMap<&str, usize> = BTreeMap::new();
    while depth.len() < services.len() {
        for service in services {
            let needs = service.needs.iter().map(|need| depth.get(need.as_str()));
            if let Some(below) = needs.collect::<Option<Vec<_>>>() {
                let level = below.into_iter().max().map_or(0, |deepest| deepest + 1);
                depth.insert(&service.name, level);
            }
        }
    }
    let count = depth.values().max().unwrap() + 1;
    let of_level = |level: usize| -> Vec<&Service> {
        let all = services.iter();
        all.filter(|it| depth.get(it.name.as_str()) == Some(&level))
            .collect()
    };
    (0..count).map(of_level).collect()
}

/// Makes one container and waits until its health command succeeds.
async fn boot(docker: &Docker, service: &Service) -> Result<(), bollard::errors::Error> {
    let name = format!("{BARE}-{}", service.name);
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    docker
        .create_container(Some(options), service.body.clone())
        .await?;
    docker
        .start_container(&name, None::<StartContainerOptions>)
        .await?;
    let Some((kind, words)) = service.health.split_first() else {
        return Ok(());
    };
    assert_eq!(kind, "CMD", "the shop's healthchecks are plain commands");
    loop {
        let config = ExecConfig {
            cmd: Some(words.to_vec()),
            ..Default::default()
        };
        let exec = docker.create_exec(&name, config).await?.id;
        docker.start_exec(&exec, None::<StartExecOptions>).await?;
        let ended = loop {
            let seen = docker.inspect_exec(&exec).await?;
            if seen.running == Some(false) {
                break seen.exit_code;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        if ended == Some(0) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn bare_up(docker: &Docker, services: &[Service]) -> Duration {
    let since = Instant::now();
    let network = NetworkCreateRequest {
        name: BARE.to_owned(),
        ..Default::default()
    };
    docker.create_network(network).await.unwrap();
    let volumes = services.iter().flat_map(|it| &it.volumes).map(|name| {
        docker.create_volume(VolumeCreateRequest {
            name: Some(name.clone()),
            ..Default::default()
        })
    });
    try_join_all(volumes).await.unwrap();
    for level in levels(services) {
        let each = level.into_iter().map(|service| boot(docker, service));
        try_join_all(each).await.unwrap();
    }
    since.elapsed()
}

async fn bare_down(docker: &Docker, services: &[Service]) {
    let each = services.iter().map(|service| async move {
        let options = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        let name = format!("{BARE}-{}", service.name);
        let _ = docker.remove_container(&name, Some(options)).await;
    });
    join_all(each).await;
    let _ = docker.remove_network(BARE).await;
    for volume in services.iter().flat_map(|it| &it.volumes) {
        let _ = docker
            .remove_volume(volume, None::<RemoveVolumeOptions>)
            .await;
    }
}

fn median(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64()
}

#[tokio::main]
async fn main() {
    let docker = Docker::connect_with_local_defaults().unwrap();
    // Builds what is out of date, and shows what to build bare.
    msvc(&["up", "-d"]);
    let services = services(&docker).await;
    msvc(&["down", "--volumes"]);
    bare_down(&docker, &services).await;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Whoever comes first has no advantage.
        for turn in 0..2 {
            if (round + turn) % 2 == 0 {
                ours.push(msvc(&["up", "-d"]));
                msvc(&["down", "--volumes"]);
            } else {
                bare.push(bare_up(&docker, &services).await);
                bare_down(&docker, &services).await;
            }
        }
    }
    println!("each of {ROUNDS}: msvc {ours:.2?}, bare {bare:.2?}");
    let (ours, bare) = (median(ours), median(bare));
    println!(
        "msvc up: {ours:.2} s; bare calls: {bare:.2} s; ratio {:.2}",
        ours / bare
    );
}
