//! The short form of a mount, `[SOURCE:]TARGET[:OPTIONS]`, taken apart.

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

/// Takes a short form apart; the colon of a Windows drive separates nothing.
pub(crate) fn parts(text: &str) -> Result<Parts<'_>, VolumeError> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (i, _) in text.match_indices(':') {
        let piece = text.get(start..i).unwrap_or_default();
        if piece.len() == 1 && piece.bytes().all(|b| b.is_ascii_alphabetic()) {
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

/// Whether a source is a path of the host (else it is the name of a volume).
pub(crate) fn is_path(source: &str) -> bool {
    source.starts_with(['.', '/', '~', '\\']) || is_windows(source)
}

/// Whether a path begins with a Windows drive or is a named pipe.
pub(crate) fn is_windows(path: &str) -> bool {
    let mut bytes = path.bytes();
    path.starts_with(r"\\")
        || bytes.next().is_some_and(|b| b.is_ascii_alphabetic()) && bytes.next() == Some(b':')
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
        assert_eq!(parts(""), Err(VolumeError::Empty));
        assert_eq!(parts("ab::/b"), Err(VolumeError::Empty));
        assert_eq!(parts("ab:/b:ro:x/"), Err(VolumeError::Colons));
    }
}
