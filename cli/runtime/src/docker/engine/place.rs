//! Where engines are looked for, in the docker CLI's order: `DOCKER_HOST`, then the context that
//! `DOCKER_CONTEXT` or `config.json` names, then the usual sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::EngineError;

/// The default engine's socket.
const SOCKET: &str = "/var/run/docker.sock";

/// Where an engine may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A Unix socket.
    Socket {
        /// Its path.
        path: PathBuf,
        /// Who said so, for people.
        by: String,
    },
    /// Plain TCP.
    Tcp {
        /// `tcp://host:port`.
        address: String,
        /// Who said so.
        by: String,
    },
}

impl Place {
    /// As `DOCKER_HOST` names it.
    #[must_use]
    pub fn host(&self) -> String {
        match self {
            Self::Socket { path, .. } => format!("unix://{}", path.display()),
            Self::Tcp { address, .. } => address.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket { path, by } => write!(f, "{} ({by})", path.display()),
            Self::Tcp { address, by } => write!(f, "{address} ({by})"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    endpoints: BTreeMap<String, Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    host: Option<String>,
}

/// The places to try, in order. Whoever names one gets no other.
pub(super) fn places(environment: &BTreeMap<String, String>) -> Result<Vec<Place>, EngineError> {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    if let Some(host) = set("DOCKER_HOST") {
        let with_tls = set("DOCKER_TLS_VERIFY").is_some() || set("DOCKER_TLS").is_some();
        return Ok(vec![read(host, "DOCKER_HOST", with_tls)?]);
    }
    if let Some((context, by)) = context(environment)? {
        let by = format!("context `{context}` of {by}");
        let host = endpoint(environment, &context, &by)?;
        return Ok(vec![read(&host, &by, false)?]);
    }
    let mut places = vec![socket(Path::new(SOCKET), "default socket")];
    if let Some(folder) = set("XDG_RUNTIME_DIR").map(PathBuf::from) {
        places.push(socket(&folder.join("docker.sock"), "rootless Docker"));
        places.push(socket(
            &folder.join("podman/podman.sock"),
            "rootless Podman",
        ));
    }
    places.push(socket(Path::new("/run/podman/podman.sock"), "Podman"));
    Ok(places)
}

fn socket(path: &Path, by: &str) -> Place {
    Place::Socket {
        path: path.to_owned(),
        by: by.to_owned(),
    }
}

fn read(host: &str, by: &str, with_tls: bool) -> Result<Place, EngineError> {
    let unsupported = |why: &str| EngineError::Unsupported {
        host: host.to_owned(),
        by: by.to_owned(),
        why: why.to_owned(),
    };
    match host.split_once("://") {
        Some(("unix", path)) => Ok(socket(Path::new(path), by)),
        Some(("tcp" | "http", _)) if with_tls => Err(unsupported("TLS is not spoken yet")),
        Some(("tcp" | "http", rest)) => Ok(Place::Tcp {
            address: format!("tcp://{rest}"),
            by: by.to_owned(),
        }),
        Some(("ssh", _)) => Err(unsupported("SSH is not spoken yet")),
        Some(("npipe", _)) => Err(unsupported("named pipes are for Windows")),
        Some((scheme, _)) => Err(unsupported(&format!("`{scheme}` is no way to an engine"))),
        None if host.starts_with('/') => Ok(socket(Path::new(host), by)),
        None => Err(unsupported("it must begin with unix:// or tcp://")),
    }
}

/// The chosen context with who chose it; none when it is the default.
fn context(
    environment: &BTreeMap<String, String>,
) -> Result<Option<(String, String)>, EngineError> {
    let named = environment.get("DOCKER_CONTEXT").filter(|c| !c.is_empty());
    let chosen = match named {
        Some(context) => Some((context.clone(), "DOCKER_CONTEXT".to_owned())),
        None => {
            let Some(file) = folder(environment).map(|folder| folder.join("config.json")) else {
                return Ok(None);
            };
            let Ok(text) = std::fs::read_to_string(&file) else {
                return Ok(None);
            };
            let config: Config =
                serde_json::from_str(&text).map_err(|why| EngineError::Settings {
                    path: file.clone(),
                    why: why.to_string(),
                })?;
            let by = file.display().to_string();
            config.current_context.map(|context| (context, by))
        }
    };
    Ok(chosen.filter(|(context, _)| !matches!(context.as_str(), "" | "default")))
}

/// `DOCKER_CONFIG`, else `~/.docker`.
fn folder(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    match environment.get("DOCKER_CONFIG").filter(|c| !c.is_empty()) {
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(PathBuf::from(environment.get("HOME")?).join(".docker")),
    }
}

/// The engine's address in a context's record, which lies under the SHA-256 of its name.
fn endpoint(
    environment: &BTreeMap<String, String>,
    context: &str,
    by: &str,
) -> Result<String, EngineError> {
    let digest = Sha256::digest(context.as_bytes());
    let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = folder(environment)
        .unwrap_or_default()
        .join("contexts/meta")
        .join(name)
        .join("meta.json");
    let settings = |why: String| EngineError::Settings {
        path: path.clone(),
        why: format!("{why} ({by})"),
    };
    let text = std::fs::read_to_string(&path).map_err(|why| settings(why.to_string()))?;
    let meta: Meta = serde_json::from_str(&text).map_err(|why| settings(why.to_string()))?;
    let endpoint = meta.endpoints.get("docker");
    endpoint
        .and_then(|endpoint| endpoint.host.clone())
        .ok_or_else(|| settings("it names no engine".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn shown(environment: &BTreeMap<String, String>) -> String {
        match places(environment) {
            Ok(places) => {
                let shown: Vec<String> = places.iter().map(ToString::to_string).collect();
                shown.join(", ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_host_that_is_named_is_the_only_one() {
        for (host, expected) in [
            ("unix:///x.sock", "/x.sock (DOCKER_HOST)"),
            ("/x.sock", "/x.sock (DOCKER_HOST)"),
            ("tcp://h:2375", "tcp://h:2375 (DOCKER_HOST)"),
        ] {
            assert_eq!(shown(&environment(&[("DOCKER_HOST", host)])), expected);
        }
        assert!(shown(&environment(&[("DOCKER_HOST", "ssh://h")])).contains("SSH is not spoken"));
        let tls = environment(&[("DOCKER_HOST", "tcp://h:1"), ("DOCKER_TLS_VERIFY", "1")]);
        assert!(shown(&tls).contains("TLS is not spoken"));
    }

    #[test]
    fn the_usual_sockets_are_tried_in_order() {
        let shown = shown(&environment(&[("XDG_RUNTIME_DIR", "/run/user/7")]));
        assert_eq!(
            shown,
            "/var/run/docker.sock (default socket), /run/user/7/docker.sock (rootless Docker), \
             /run/user/7/podman/podman.sock (rootless Podman), /run/podman/podman.sock (Podman)"
        );
    }

    #[test]
    fn the_current_context_of_the_docker_cli_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display().to_string();
        std::fs::write(
            folder.path().join("config.json"),
            r#"{"auths": {}, "currentContext": "far"}"#,
        )
        .unwrap();
        let environment = environment(&[("DOCKER_CONFIG", &home)]);
        assert!(
            shown(&environment).contains("No such file"),
            "{}",
            shown(&environment)
        );
        // sha256("far")
        let digest = Sha256::digest(b"far");
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let meta = folder.path().join("contexts/meta").join(name);
        std::fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"far","Endpoints":{"docker":{"Host":"unix:///far.sock"}}}"#;
        std::fs::write(meta.join("meta.json"), text).unwrap();
        assert_eq!(
            shown(&environment),
            format!("/far.sock (context `far` of {home}/config.json)")
        );
        let mut chosen = environment.clone();
        chosen.insert("DOCKER_CONTEXT".to_owned(), "default".to_owned());
        assert!(shown(&chosen).starts_with("/var/run/docker.sock"));
    }
}
