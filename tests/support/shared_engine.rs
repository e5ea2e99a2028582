//! What the container engine that the tests share says: asked directly, past msvc.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

/// The engine's socket, when msvc finds an engine there.
#[derive(Debug)]
pub struct SharedEngine {
    socket: PathBuf,
}

/// The engine that answers; none where no test can use one.
pub fn engine() -> Option<&'static SharedEngine> {
    static FOUND: OnceLock<Option<SharedEngine>> = OnceLock::new();
    let find = || {
        let named = std::env::var("DOCKER_HOST").unwrap_or_default();
        let socket = match named.strip_prefix("unix://") {
            Some(path) => PathBuf::from(path),
            None => PathBuf::from("/var/run/docker.sock"),
        };
        let engine = SharedEngine { socket };
        engine.ask("GET", "/_ping").map(|_| engine)
    };
    FOUND.get_or_init(find).as_ref()
}

impl SharedEngine {
    /// One request; nothing when it is refused.
    fn ask(&self, method: &str, path: &str) -> Option<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        super::http::tls();
        runtime.block_on(async {
            let client = reqwest::Client::builder()
                .unix_socket(self.socket.clone())
                .tls_certs_only(Vec::new())
                .build()
                .unwrap();
            let url = format!("http://engine{path}");
            let answer = client.request(method.parse().unwrap(), url).send().await;
            let answer = answer.ok()?.error_for_status().ok()?;
            let text = answer.text().await.ok()?;
            Some(serde_json::from_str(&text).unwrap_or(Value::Null))
        })
    }

    /// Where it answers.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.ask("GET", path).unwrap_or_default();
        answer.as_array().cloned().unwrap_or_default()
    }

    /// Every container, network and volume whose name `is_meant`, as `container NAME`.
    pub fn holds(&self, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let named = |kind: &str, name: &Value| {
            let name = name.as_str()?.trim_start_matches('/');
            is_meant(name).then(|| format!("{kind} {name}"))
        };
        let mut held = Vec::new();
        for container in self.list("/containers/json?all=1") {
            held.extend(named("container", &container["Names"][0]));
        }
        for network in self.list("/networks") {
            held.extend(named("network", &network["Name"]));
        }
        let volumes = self.ask("GET", "/volumes").unwrap_or_default();
        for volume in volumes["Volumes"].as_array().into_iter().flatten() {
            held.extend(named("volume", &volume["Name"]));
        }
        held
    }

    /// The running containers whose name `is_meant`.
    pub fn running(&self, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let all = self.list("/containers/json");
        let names = all.iter().filter_map(|it| it["Names"][0].as_str());
        let names = names.map(|name| name.trim_start_matches('/').to_owned());
        names.filter(|name| is_meant(name)).collect()
    }

    /// The addresses of a running container on its networks.
    pub fn addresses(&self, container: &str) -> Vec<std::net::IpAddr> {
        let seen = self.ask("GET", &format!("/containers/{container}/json"));
        let networks = seen.unwrap_or_default()["NetworkSettings"]["Networks"].clone();
        let each = networks.as_object().into_iter().flatten();
        each.filter_map(|(_, it)| it["IPAddress"].as_str()?.parse().ok())
            .collect()
    }

    /// Removes the image of this name, where there is one.
    pub fn forget_image(&self, name: &str) {
        let _ = self.ask("DELETE", &format!("/images/{name}?force=true"));
    }

    /// Stops a container as `docker stop` does.
    pub fn stop(&self, container: &str) {
        let path = format!("/containers/{container}/stop?t=10");
        let answer = self.ask("POST", &path);
        assert!(answer.is_some(), "{container} is not stopped");
    }

    /// Whether the engine has an image of this name.
    pub fn has_image(&self, name: &str) -> bool {
        self.ask("GET", &format!("/images/{name}/json")).is_some()
    }
}
