//! Keys that are most likely meant for `x-msvc`.
//!
//! What comes in: a key that is another. What leaves: the problem that it is, or the name that it is near
//! to. What must not enter: what stands in `x-msvc`.

use crate::problem::Problem;
use crate::yaml::{Key, shorten};

/// Our key.
const OWN: &str = "x-msvc";

/// Whether ours says something below `path`.
pub(super) fn is_read(path: &[String]) -> bool {
    match path {
        [] => true,
        [section, _] => matches!(section.as_str(), "services" | "secrets"),
        _ => false,
    }
}

/// That a key of everybody's own is most likely a slip for ours, which says nothing then: ours in capitals,
/// with two signs the wrong way round, or one too many. With one too few or another (`x-svc`) it is a name
/// that people give.
pub(super) fn misspelt(key: &Key) -> Option<Problem> {
    let text = key.text.to_ascii_lowercase();
    let has_all = || OWN.chars().all(|sign| text.contains(sign));
    let is_slip = (OWN.len()..=OWN.len() + 1).contains(&text.len())
        && key.text != OWN
        && has_all()
        && strsim::damerau_levenshtein(&text, OWN) <= 1;
    is_slip.then(|| {
        Problem::warning(format!("msvc reads nothing of `{}`", shorten(&key.text)))
            .at(key.place.clone())
            .hint(format!("did you mean `{OWN}`?"))
    })
}

/// Our key where an unknown one is that in other signs: `x_msvc`, `msvc`.
pub(super) fn meant(key: &Key, path: &[String]) -> Option<&'static str> {
    if key.text.len() > OWN.len() + 2 || !is_read(path) {
        return None;
    }
    let letters = key.text.chars().filter(char::is_ascii_alphanumeric);
    let letters = letters.collect::<String>().to_ascii_lowercase();
    matches!(letters.as_str(), "xmsvc" | "msvc").then_some(OWN)
}
