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

/// What TLS with an engine needs, as the docker CLI names it.
pub(super) const TLS_FILES: [&str; 3] = ["ca.pem", "cert.pem", "key.pem"];

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
    /// TCP with TLS: the engine proves who it is, and so does msvc.
    Tls {
        /// `tcp://host:port`.
        address: String,
        /// The folder of `ca.pem`, `cert.pem` and `key.pem`.
        folder: PathBuf,
        /// Who said so.
        by: String,
    },
}

impl Place {
    /// The variables that name it, as the docker CLI reads them; an empty one says nothing.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, String); 4] {
        let (host, folder) = match self {
            Self::Socket { path, .. } => (format!("unix://{}", path.display()), None),
            Self::Tcp { address, .. } => (address.clone(), None),
            Self::Tls {
                address, folder, ..
            } => (address.clone(), Some(folder.display().to_string())),
        };
        let verifies = folder.as_ref().map(|_| "1".to_owned());
        [
            ("DOCKER_HOST", host),
            ("DOCKER_TLS", String::new()),
            ("DOCKER_TLS_VERIFY", verifies.unwrap_or_default()),
            ("DOCKER_CERT_PATH", folder.unwrap_or_default()),
        ]
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket { path, by } => write!(f, "{} ({by})", path.display()),
            Self::Tcp { address, by } => write!(f, "{address} ({by})"),
            Self::Tls { address, by, .. } => write!(f, "{address} with TLS ({by})"),
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
    #[serde(rename = "SkipTLSVerify", default)]
    skips_verification: bool,
}

/// How TCP is spoken with an engine.
enum Tls {
    Plain,
    /// With the certificates in this folder.
    With(PathBuf),
    /// With an engine that need not prove who it is.
    Blind,
}

/// The places to try, in order. Whoever names one gets no other.
pub(super) fn places(environment: &BTreeMap<String, String>) -> Result<Vec<Place>, EngineError> {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    if let Some(host) = set("DOCKER_HOST") {
        let folder = set("DOCKER_CERT_PATH").map(PathBuf::from);
        let folder = folder.or_else(|| self::folder(environment));
        // It is remembered, and read from other folders than this one.
        let folder = folder.map(|it| std::path::absolute(&it).unwrap_or(it));
        let tls = match (set("DOCKER_TLS_VERIFY"), set("DOCKER_TLS")) {
            (Some(_), _) => Tls::With(folder.unwrap_or_default()),
            (None, Some(_)) => Tls::Blind,
            (None, None) => Tls::Plain,
        };
        return Ok(vec![read(host, "DOCKER_HOST", tls)?]);
    }
    if let Some((context, by)) = context(environment)? {
        let by = format!("context `{context}` of {by}");
        let (host, tls) = endpoint(environment, &context, &by)?;
        return Ok(vec![read(&host, &by, tls)?]);
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

fn read(host: &str, by: &str, tls: Tls) -> Result<Place, EngineError> {
    let unsupported = |why: &str| EngineError::Unsupported {
        host: host.to_owned(),
        by: by.to_owned(),
        why: why.to_owned(),
    };
    let by = by.to_owned();
    match (host.split_once("://"), tls) {
        (Some(("unix", path)), _) => Ok(socket(Path::new(path), &by)),
        (Some(("tcp" | "http" | "https", _)), Tls::Blind) => Err(unsupported(
            "TLS is spoken only with an engine that proves who it is: set DOCKER_TLS_VERIFY=1, \
             with ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH",
        )),
        (Some(("tcp" | "https", rest)), Tls::With(folder)) => {
            for file in TLS_FILES.map(|name| folder.join(name)) {
                if let Err(why) = std::fs::metadata(&file) {
                    let why = format!("{why} ({by} asks for TLS)");
                    return Err(EngineError::Settings { path: file, why });
                }
            }
            let address = format!("tcp://{rest}");
            Ok(Place::Tls {
                address,
                folder,
                by,
            })
        }
        (Some(("https", _)), Tls::Plain) => Err(unsupported(
            "set DOCKER_TLS_VERIFY=1, with ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH",
        )),
        (Some(("tcp" | "http", rest)), _) => Ok(Place::Tcp {
            address: format!("tcp://{rest}"),
            by,
        }),
        (Some(("ssh", rest)), _) => Err(unsupported(&format!(
            "SSH is not spoken: let `ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock {rest}` \
             run, and set DOCKER_HOST=unix:///tmp/engine.sock"
        ))),
        (Some(("npipe", _)), _) => Err(unsupported("named pipes are for Windows")),
        (Some((scheme, _)), _) => Err(unsupported(&format!("`{scheme}` is no way to an engine"))),
        (None, _) if host.starts_with('/') => Ok(socket(Path::new(host), &by)),
        (None, _) => Err(unsupported("it must begin with unix:// or tcp://")),
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

/// The engine's address in a context's record, which lies under the SHA-256 of its name, as its
/// certificates do.
fn endpoint(
    environment: &BTreeMap<String, String>,
    context: &str,
    by: &str,
) -> Result<(String, Tls), EngineError> {
    let digest = Sha256::digest(context.as_bytes());
    let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let contexts = folder(environment).unwrap_or_default().join("contexts");
    let path = contexts.join("meta").join(&name).join("meta.json");
    let settings = |why: String| EngineError::Settings {
        path: path.clone(),
        why: format!("{why} ({by})"),
    };
    let text = std::fs::read_to_string(&path).map_err(|why| settings(why.to_string()))?;
    let meta: Meta = serde_json::from_str(&text).map_err(|why| settings(why.to_string()))?;
    let endpoint = meta.endpoints.get("docker");
    let host = endpoint.and_then(|endpoint| endpoint.host.clone());
    let host = host.ok_or_else(|| settings("it names no engine".to_owned()))?;
    let certificates = contexts.join("tls").join(name).join("docker");
    let tls = match endpoint.is_some_and(|endpoint| endpoint.skips_verification) {
        true => Tls::Blind,
        false if certificates.is_dir() => Tls::With(certificates),
        false => Tls::Plain,
    };
    Ok((host, tls))
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
        let ssh = shown(&environment(&[("DOCKER_HOST", "ssh://me@h")]));
        let instead =
            "SSH is not spoken: let `ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock me@h`";
        assert!(ssh.contains(instead), "{ssh}");
    }

    #[test]
    fn with_tls_an_engine_and_its_caller_prove_who_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let asked = |more: &[(&str, &str)]| {
            let own = [("DOCKER_HOST", "tcp://h:1"), ("DOCKER_CERT_PATH", &path)];
            shown(&environment(&[&own[..], more].concat()))
        };
        let verified = [("DOCKER_TLS_VERIFY", "1")];
        let missing = asked(&verified);
        assert!(
            missing.starts_with(&format!("{path}/ca.pem: No such file")),
            "{missing}"
        );
        for name in TLS_FILES {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(asked(&verified), "tcp://h:1 with TLS (DOCKER_HOST)");
        assert_eq!(asked(&[]), "tcp://h:1 (DOCKER_HOST)");
        let blind = asked(&[("DOCKER_TLS", "1")]);
        assert!(
            blind.contains("only with an engine that proves who it is"),
            "{blind}"
        );
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
        let tls = folder
            .path()
            .join("contexts/tls")
            .join(meta.file_name().unwrap());
        std::fs::create_dir_all(tls.join("docker")).unwrap();
        for name in TLS_FILES {
            std::fs::write(tls.join("docker").join(name), "").unwrap();
        }
        let text = r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2376"}}}"#;
        std::fs::write(meta.join("meta.json"), text).unwrap();
        assert_eq!(
            shown(&environment),
            format!("tcp://far:2376 with TLS (context `far` of {home}/config.json)")
        );
        let mut chosen = environment.clone();
        chosen.insert("DOCKER_CONTEXT".to_owned(), "default".to_owned());
        assert!(shown(&chosen).starts_with("/var/run/docker.sock"));
    }
}
