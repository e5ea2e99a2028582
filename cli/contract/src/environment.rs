//! What the process's own environment must say before contracts are verified.
//!
//! The matching engine makes its HTTP clients itself, and those follow the host's proxy settings:
//! with `HTTP_PROXY` set, a request to a provider on loopback would leave through the proxy.
//! Nothing but the environment keeps them from it, and a process cannot safely change its own
//! once it has threads. Whoever starts a verification starts the program again with these.

/// Variables that name a proxy.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Where no proxy is to be asked.
const STRAIGHT: &str = "127.0.0.0/8,::1,localhost";

/// The variables that have to be set, with their values; none when all is well. `variable` reads
/// the environment.
#[must_use]
pub fn missing(variable: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, String)> {
    let mut missing = Vec::new();
    let proxied = PROXIES
        .iter()
        .any(|name| variable(name).is_some_and(|value| !value.is_empty()));
    if proxied {
        for name in ["NO_PROXY", "no_proxy"] {
            let now = variable(name).unwrap_or_default();
            if !now.contains(STRAIGHT) {
                let value = if now.is_empty() {
                    STRAIGHT.to_owned()
                } else {
                    format!("{now},{STRAIGHT}")
                };
                missing.push((name, value));
            }
        }
    }
    // The function used sends nothing; this is for those beside it.
    if variable("PACT_DO_NOT_TRACK").as_deref() != Some("true") {
        missing.push(("PACT_DO_NOT_TRACK", "true".to_owned()));
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_missing_is_missing_no_more_once_it_is_set() {
        let mut environment = BTreeMap::from([
            ("HTTP_PROXY", "http://proxy:3128".to_owned()),
            ("NO_PROXY", "intranet".to_owned()),
        ]);
        let first = missing(|name| environment.get(name).cloned());
        assert_eq!(first[0], ("NO_PROXY", format!("intranet,{STRAIGHT}")));
        assert_eq!(first.len(), 3);
        environment.extend(first);
        assert_eq!(missing(|name| environment.get(name).cloned()), []);
    }

    #[test]
    fn without_a_proxy_its_exceptions_are_left_alone() {
        let names: Vec<_> = missing(|_| None)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["PACT_DO_NOT_TRACK"]);
    }
}
