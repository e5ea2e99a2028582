//! `x-msvc.ca`: the certificate that vouches for a service's HTTPS ports.

use std::path::{Component, Path};

use crate::forms::want_text;
use crate::model::{MountSource, Placed, Service};
use crate::problem::{Problem, Problems};
use crate::yaml::{Node, shorten};

/// The path, which both runtimes can read: it lies in a mount that is on a disk, or is a secret or
/// config.
pub(super) fn ca(
    node: Option<&Node>,
    service: &Service,
    problems: &mut Problems,
) -> Option<Placed<String>> {
    let node = node.filter(|n| !n.is_null())?;
    let text = match want_text(node, "`x-msvc.ca`") {
        Ok(text) => text,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let mut parts = Path::new(&text).components();
    let whole = parts.next() == Some(Component::RootDir)
        && parts.clone().count() > 0
        && parts.all(|part| matches!(part, Component::Normal(_)));
    let (what, hint) = if !whole {
        (
            format!(
                "`x-msvc.ca` is `{}`, which is no whole path",
                shorten(&text)
            ),
            "write the path that the service itself has for the file: `/data/tls/ca.pem`",
        )
    } else if !is_kept(service, &text) {
        (
            format!(
                "`x-msvc.ca` is `{}`, which lies in no volume of {}",
                shorten(&text),
                service.name
            ),
            "let the service keep it in a volume or folder that is mounted: as a process it has \
             no other files of its own",
        )
    } else {
        let place = node.place.clone();
        return Some(Placed { value: text, place });
    };
    problems.push(Problem::error(what).at(node.place.clone()).hint(hint));
    None
}

fn is_kept(service: &Service, path: &str) -> bool {
    let given = service.files.iter().any(|file| file.target == path);
    let mount = service.mount_of(path);
    given || mount.is_some_and(|(mount, _)| !matches!(mount.source, MountSource::Tmpfs))
}

#[cfg(test)]
mod tests {
    use crate::load::testing::{load, problems_of};

    fn with(ca: &str) -> String {
        format!(
            "services:\n  a:\n    image: a\n    volumes: ['data:/data', './b:/data/b:ro']\n    \
             tmpfs: [/t]\n    x-msvc:\n      ca: {ca}\nvolumes: {{data: {{}}}}\n"
        )
    }

    #[test]
    fn the_certificate_lies_in_a_mount_of_its_service() {
        for path in ["/data/tls/ca.pem", "/data/b/ca.pem"] {
            let system = load(&with(path)).system;
            let service = system.service("a").unwrap();
            let ca = service.x_msvc.ca.as_ref().unwrap();
            assert_eq!((ca.value.as_str(), ca.place.line), (path, 7));
        }
    }

    #[test]
    fn a_path_that_not_both_runtimes_can_read_is_refused() {
        for (path, part) in [
            ("data/ca.pem", "no whole path"),
            ("/data/../ca.pem", "no whole path"),
            ("/", "no whole path"),
            ("/etc/ca.pem", "lies in no volume of a"),
            ("/database/ca.pem", "lies in no volume of a"),
            ("/t/ca.pem", "lies in no volume of a"),
            ("[x]", "must be text"),
        ] {
            let problems = problems_of(&with(path));
            assert!(
                problems.contains(part) && problems.contains("compose.yaml:7:"),
                "{path}: {part} in\n{problems}"
            );
        }
    }
}
