//! Keys that are most likely meant for `x-msvc`.
//!
//! What comes in: a key that is another. What leaves: the problem that it is, or the name that it is near
//! to. What must not enter: what stands in `x-msvc`.

use crate::problem::Problem;
use crate::xmsvc::keys;
use crate::yaml::{Key, Node, shorten};

/// Our key.
const OWN: &str = "x-msvc";
/// What ours says, wherever it stands.
const OURS: [&[&str]; 3] = [keys::SERVICE, keys::SYSTEM, keys::SECRET];

/// Whether ours says something below `path`.
pub(super) fn is_read(path: &[String]) -> bool {
    match path {
        [] => true,
        [section, _] => matches!(section.as_str(), "services" | "secrets"),
        _ => false,
    }
}

/// Whether a key is one of ours in what is called `level`, and not of Compose's.
pub(super) fn says(level: &str, key: &str) -> bool {
    match level {
        "a service" => keys::SERVICE.contains(&key),
        "the file" => keys::SYSTEM.contains(&key),
        _ => false,
    }
}

/// That a key of everybody's own is most likely a slip for ours, which says nothing then: ours in capitals, with
/// two signs the wrong way round, or one too many, or without the last. Another with one sign of it (`x-svc`) is a
/// name that people give, unless it says what ours does.
pub(super) fn misspelt(key: &Key, value: &Node) -> Option<Problem> {
    let text = key.text.to_ascii_lowercase();
    let slips = strsim::damerau_levenshtein(&text, OWN);
    let is_one = key.text != OWN && text.len() <= OWN.len() + 1 && slips <= 1;
    let has_all = || OWN.chars().all(|sign| text.contains(sign)) || OWN.starts_with(&text);
    let says_ours = || {
        let mut keys = value.entries().iter();
        keys.any(|(key, _)| OURS.iter().any(|ours| ours.contains(&key.text.as_str())))
    };
    (is_one && (has_all() || says_ours())).then(|| {
        Problem::warning(format!("msvc reads nothing of `{}`", shorten(&key.text)))
            .at(key.place.clone())
            .hint(format!("did you mean `{OWN}`?"))
    })
}

/// Our key where an unknown one is that in other signs, or nearly: `x_msvc`, `msvc`, `xmvsc`.
pub(super) fn meant(key: &Key, path: &[String]) -> Option<&'static str> {
    if key.text.len() > OWN.len() + 2 || !is_read(path) {
        return None;
    }
    let letters = key.text.chars().filter(char::is_ascii_alphanumeric);
    let letters = letters.collect::<String>().to_ascii_lowercase();
    (strsim::damerau_levenshtein(&letters, "xmsvc") <= 1).then_some(OWN)
}
