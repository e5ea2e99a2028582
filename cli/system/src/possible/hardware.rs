//! Addresses of hardware, which must be those of one machine.

use super::wrong;
use crate::problem::Problems;
use crate::yaml::{Node, shorten};

/// Checks one service: its own, and those on its networks.
pub(super) fn check(service: &Node, problems: &mut Problems) {
    let networks = service.entries_of("networks").iter().map(|(_, it)| it);
    let places = std::iter::once(service).chain(networks);
    for node in places.filter_map(|it| it.get("mac_address")) {
        let text = node.as_str().unwrap_or_default();
        let why = match octets(text) {
            Some([0, 0, 0, 0, 0, 0]) => "is nobody's",
            Some([first, ..]) if first % 2 == 1 => "is that of a group (multicast)",
            // What has another form is for the engine to read.
            _ => continue,
        };
        let what = format!("`mac_address` is {}, which {why}", shorten(text));
        let hint = "write one whose first part is even, as 02:42:ac:11:00:07";
        wrong(problems, what, &node.place, hint);
    }
}

/// `02:42:ac:11:00:07`, `02-42-ac-11-00-07`, `0242.ac11.0007`.
fn octets(text: &str) -> Option<[u8; 6]> {
    let (sign, digits) = match text.as_bytes().get(2)? {
        b':' => (':', 2),
        b'-' => ('-', 2),
        _ => ('.', 4),
    };
    let parts: Vec<&str> = text.split(sign).collect();
    let is_part =
        |part: &&str| part.len() == digits && part.chars().all(|it| it.is_ascii_hexdigit());
    if parts.len() * digits != 12 || !parts.iter().all(is_part) {
        return None;
    }
    let number = u64::from_str_radix(&parts.concat(), 16).ok()?;
    let [_, _, octets @ ..] = number.to_be_bytes();
    Some(octets)
}
