//! The short form of a mount, `[SOURCE:]TARGET[:OPTIONS]`, taken apart.

use crate::problem::Place;
use crate::yaml::{Key, Node, NodeValue};

/// The parts of a short form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// Name of a volume or path of the host.
    pub(crate) source: Option<&'a str>,
    /// Where it is mounted.
    pub(crate) target: &'a str,
    /// Options, comma separated.
    pub(crate) options: &'a str,
}

/// Why a text is no short form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VolumeError {
    /// `a::b`, `:a`, or nothing at all.
    #[error("a part of it is empty")]
    Empty,
    /// More than source, target and options.
    #[error("it has too many colons")]
    Colons,
}

/// Takes a short form apart; the colon of a Windows drive separates nothing, and neither does one
/// inside a variable that nobody has replaced (`${DATA:-/srv}`).
pub(crate) fn parts(text: &str) -> Result<Parts<'_>, VolumeError> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut variables = 0_usize;
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if i > 0 && text.as_bytes().get(i - 1) == Some(&b'$') => variables += 1,
            b'}' => variables = variables.saturating_sub(1),
            _ => {}
        }
        if byte != b':' || variables > 0 {
            continue;
        }
        let piece = text.get(start..i).unwrap_or_default();
        let mut letters = piece.chars();
        if letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none() {
            continue;
        }
        pieces.push(piece);
        start = i + 1;
    }
    pieces.push(text.get(start..).unwrap_or_default());
    if pieces.iter().any(|piece| piece.is_empty()) {
        return Err(VolumeError::Empty);
    }
    match *pieces.as_slice() {
        [target] => Ok(Parts {
            source: None,
            target,
            options: "",
        }),
        [source, target] => Ok(Parts {
            source: Some(source),
            target,
            options: "",
        }),
        [source, target, options] => Ok(Parts {
            source: Some(source),
            target,
            options,
        }),
        _ => Err(VolumeError::Colons),
    }
}

/// The long form of a short one. Options that mean nothing are left out, as Docker Compose does.
pub(crate) fn long(text: &str, place: &Place) -> Result<NodeValue, VolumeError> {
    let entry = |name: &str, value: NodeValue| {
        let key = Key {
            text: name.to_owned(),
            place: place.clone(),
        };
        (key, Node::new(place.clone(), value))
    };
    let word = |text: &str| NodeValue::String(text.to_owned());
    if (1..=2).contains(&text.len()) {
        return Ok(NodeValue::Map(vec![
            entry("type", word("volume")),
            entry("target", word(text)),
        ]));
    }
    let parts = parts(text)?;
    let bound = parts.source.is_some_and(is_path);
    let mut fields = vec![entry("type", word(if bound { "bind" } else { "volume" }))];
    fields.extend(parts.source.map(|source| entry("source", word(source))));
    fields.push(entry("target", word(&clean(parts.target))));
    let (mut bind, mut volume, mut read_only) = (Vec::new(), Vec::new(), false);
    for option in parts.options.split(',') {
        match option {
            "ro" => read_only = true,
            "rw" => read_only = false,
            "nocopy" => volume = vec![entry("nocopy", NodeValue::Bool(true))],
            "z" | "Z" => set(&mut bind, entry("selinux", word(option))),
            "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate" => {
                set(&mut bind, entry("propagation", word(option)));
            }
            _ => {}
        }
    }
    if read_only {
        fields.push(entry("read_only", NodeValue::Bool(true)));
    }
    if bound {
        bind.push(entry("create_host_path", NodeValue::Bool(true)));
    }
    if !bind.is_empty() {
        fields.push(entry("bind", NodeValue::Map(bind)));
    }
    if !bound || !volume.is_empty() {
        fields.push(entry("volume", NodeValue::Map(volume)));
    }
    Ok(NodeValue::Map(fields))
}

/// The first option of a short form that means nothing.
pub(crate) fn meaningless(text: &str) -> Option<&str> {
    const OPTIONS: [&str; 15] = [
        "",
        "ro",
        "rw",
        "z",
        "Z",
        "nocopy",
        "shared",
        "rshared",
        "slave",
        "rslave",
        "private",
        "rprivate",
        "cached",
        "consistent",
        "delegated",
    ];
    let parts = parts(text).ok()?;
    parts.options.split(',').find(|it| !OPTIONS.contains(it))
}

/// Puts an entry in, in place of one of the same name.
fn set(fields: &mut Vec<(Key, Node)>, entry: (Key, Node)) {
    fields.retain(|(key, _)| key.text != entry.0.text);
    fields.push(entry);
}

/// A target without `.`, `..`, doubled or trailing slashes.
pub(crate) fn clean(target: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let rooted = target.starts_with('/');
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (false, true) => ".".to_owned(),
        (true, _) => format!("/{}", parts.join("/")),
        (false, false) => parts.join("/"),
    }
}

/// Whether a source is a path of the host (else it is the name of a volume).
pub(crate) fn is_path(source: &str) -> bool {
    let mut chars = source.chars();
    source.starts_with(['.', '/', '~'])
        || is_windows(source)
        || chars.next().is_some_and(char::is_alphabetic) && chars.next() == Some(':')
}

/// Whether a path begins with a Windows drive or is a named pipe.
pub(crate) fn is_windows(path: &str) -> bool {
    let mut bytes = path.bytes();
    path.starts_with(r"\\")
        || bytes.next().is_some_and(|b| b.is_ascii_alphabetic()) && bytes.next() == Some(b':')
}

/// Whether a path is a whole one of Windows: a drive with a separator after it, or a named pipe.
pub(crate) fn is_whole_windows(path: &str) -> bool {
    let mut after_drive = path.bytes().skip(1);
    path.starts_with(r"\\")
        || after_drive.next() == Some(b':') && matches!(after_drive.next(), Some(b'/' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_form_has_one_to_three_parts() {
        for (text, source, target, options) in [
            ("/data", None, "/data", ""),
            ("data:/data", Some("data"), "/data", ""),
            ("./a:/b:ro,z", Some("./a"), "/b", "ro,z"),
            (r"C:\a:D:\b:ro", Some(r"C:\a"), r"D:\b", "ro"),
            ("é:/a:/b", Some("é:/a"), "/b", ""),
            ("${A:-/a}/b:/b:ro", Some("${A:-/a}/b"), "/b", "ro"),
            (
                "${A:?x${B:-y}}:${C:-/c}",
                Some("${A:?x${B:-y}}"),
                "${C:-/c}",
                "",
            ),
        ] {
            assert_eq!(
                parts(text),
                Ok(Parts {
                    source,
                    target,
                    options
                })
            );
        }
        for path in [".", "./a", "/a", "~", r"C:\a", "c:a", "é:/a", r"\\.\pipe\a"] {
            assert!(is_path(path), "{path}");
        }
        for name in ["a", "a/b", r"\a", r"a\b"] {
            assert!(!is_path(name), "{name}");
        }
        assert_eq!(parts(""), Err(VolumeError::Empty));
        assert_eq!(parts("ab::/b"), Err(VolumeError::Empty));
        assert_eq!(parts("ab:/b:ro:x/"), Err(VolumeError::Colons));
    }
}
