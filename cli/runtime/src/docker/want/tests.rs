//! What is asked of the engine, as text.

use std::collections::BTreeMap;
use std::path::PathBuf;

use msvc_system::files::Files;
use msvc_system::id::LaneName;
use msvc_system::load::{LoadRequest, load};
use msvc_system::model::System;
use serde_json::Value;

use super::addresses::Subnet;
use super::{MeshWish, Wish, wanted};
use crate::docker::engine::ApiVersion;
use crate::instance::Program;
use crate::lane::{LaneOptions, Publish, Subset, Wanted};

mod fields;
mod mesh;
mod room;

pub(in crate::docker) fn system(text: &str) -> System {
    let path = PathBuf::from("/system/compose.yaml");
    let files = BTreeMap::from([(path, text.as_bytes().to_vec())]);
    let request = LoadRequest {
        directory: PathBuf::from("/system"),
        project: Some("shop".to_owned()),
        ..LoadRequest::default()
    };
    let loaded = load(&request, &Files::in_memory(files));
    loaded
        .unwrap_or_else(|problems| panic!("{problems}"))
        .system
}

pub(in crate::docker) fn options() -> LaneOptions {
    LaneOptions {
        project: "shop".parse().unwrap(),
        lane: LaneName::main(),
        home: PathBuf::from("/system/.msvc/shop"),
        services: Subset::All,
        publish: Publish::AsTheFileSays,
        environment: BTreeMap::new(),
        further_edges: Vec::new(),
        caller: BTreeMap::new(),
        lenient: false,
        is_folder: |_| false,
    }
}

/// An engine of today.
const NEW: ApiVersion = ApiVersion(1, 52);

fn want(text: &str, mesh: Option<&MeshWish>) -> Result<Wanted, String> {
    let system = system(text);
    let (options, images) = (options(), BTreeMap::new());
    let wish = Wish {
        system: &system,
        options: &options,
        images: &images,
        mesh,
        api: NEW,
    };
    wanted(&wish).map_err(|problems| problems.to_string())
}

#[test]
fn another_list_of_files_makes_nothing_anew() {
    let read = |files: &[&str]| {
        let text = "services: {web: {image: x, ports: [\"80:80\"]}}";
        let all = [("compose.yaml", text), ("nothing.yaml", "x-a: 1")];
        let all = all.map(|(name, text)| (PathBuf::from("/system").join(name), text.into()));
        let request = LoadRequest {
            directory: PathBuf::from("/system"),
            files: files.iter().map(PathBuf::from).collect(),
            project: Some("shop".to_owned()),
            ..LoadRequest::default()
        };
        let system = load(&request, &Files::in_memory(all.into()))
            .unwrap()
            .system;
        let mesh = mesh("shop_default", "10.9.0.0/24");
        let wish = Wish {
            system: &system,
            options: &options(),
            images: &BTreeMap::new(),
            mesh: Some(&mesh),
            api: NEW,
        };
        let wanted = wanted(&wish).unwrap();
        let label =
            create(&wanted, "web")["Labels"]["com.docker.compose.project.config_files"].clone();
        let instances = wanted.instances.iter().map(|it| it.hash.clone());
        let provisions = wanted.provisions.iter().map(|it| it.hash.clone());
        (label, instances.chain(provisions).collect::<Vec<_>>())
    };
    let (one, before) = read(&["compose.yaml"]);
    let (two, after) = read(&["compose.yaml", "nothing.yaml"]);
    assert_ne!(one, two);
    assert_eq!(before, after);
}

fn create(wanted: &Wanted, service: &str) -> Value {
    let found = wanted
        .instances
        .iter()
        .find(|it| it.id.service == *service)
        .unwrap();
    let Program::Container(program) = &found.program else {
        panic!("a container");
    };
    program.create.clone()
}

#[test]
fn names_are_composes_own_and_a_copy_takes_none_that_the_file_fixes() {
    let text = "services:\n  web: {image: x, container_name: ww, volumes: [\"d:/d\"], networks: [n]}\nvolumes: {d: {name: dd}}\nnetworks: {n: {name: nn}}\n".replace("d:/d", "data:/d").replace("{d: ", "{data: ");
    let system = system(&text);
    let names = |lane: &str| {
        let mut options = options();
        options.lane = lane.parse().unwrap();
        let images = BTreeMap::new();
        let wish = Wish {
            system: &system,
            options: &options,
            images: &images,
            mesh: None,
            api: NEW,
        };
        let wanted = wanted(&wish).unwrap();
        let mut names: Vec<String> = wanted.provisions.into_iter().map(|it| it.name).collect();
        let Program::Container(program) = &wanted.instances[0].program else {
            panic!("a container");
        };
        names.push(program.name.clone());
        names
    };
    assert_eq!(names("main"), ["nn", "dd", "ww"]);
    let copy = ["shop-second_n", "shop-second_data", "shop-second-web-1"];
    assert_eq!(names("second"), copy);
}

fn mesh(network: &str, subnet: &str) -> MeshWish {
    MeshWish {
        subnets: BTreeMap::from([(network.to_owned(), subnet.parse::<Subnet>().unwrap())]),
        ..MeshWish::default()
    }
}

#[test]
fn a_range_of_ipv6_stays_beside_that_of_the_mesh() {
    let v6 = "fd00:1::/64";
    let made = |ranges: &str| {
        let text = format!(
            "services: {{a: {{image: x, networks: [n]}}}}\nnetworks: {{n: {{enable_ipv6: true, ipam: {{config: [{ranges}]}}}}}}\n"
        );
        let wanted = want(&text, Some(&mesh("shop_n", "10.9.0.0/24"))).unwrap();
        let mut provisions = wanted.provisions.into_iter();
        let network = provisions.find(|it| it.name == "shop_n").unwrap();
        network.create["IPAM"]["Config"].clone()
    };
    let own = serde_json::json!({
        "Subnet": "10.9.0.0/24", "IPRange": "10.9.0.192/26", "Gateway": "10.9.0.1",
    });
    let beside = serde_json::json!({ "Subnet": v6 });
    let (before, after) = (
        serde_json::json!([beside, own]),
        serde_json::json!([own, beside]),
    );
    let (six, four) = (format!("{{subnet: \"{v6}\"}}"), "{subnet: 10.9.0.0/24}");
    assert_eq!(made(&format!("{six}, {four}")), before);
    assert_eq!(made(&six), before);
    assert_eq!(made(&format!("{four}, {six}")), after);
}

#[test]
fn a_label_of_a_network_that_changed_makes_it_anew() {
    let hash = |labels: &str| {
        let text = format!(
            "services: {{a: {{image: x}}}}\nnetworks: {{default: {{labels: {{{labels}}}}}}}\n"
        );
        want(&text, None).unwrap().provisions.remove(0).hash
    };
    assert_ne!(hash(""), hash("a: b"));
    assert_ne!(hash("a: c"), hash("a: b"));
    assert_eq!(hash("a: b, c: d"), hash("c: d, a: b"));
}
