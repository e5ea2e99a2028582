//! Files that stand in a git repository: `https://host/repo.git#ref:folder` and its like, where
//! `include` and `extends` name a file.
//!
//! What comes in: the text that names a file. What leaves: the repository, what of it, and where in
//! it, when the text names one by Docker Compose's rules. What must not enter: fetching it (a caller
//! does, [`crate::files::Files::with_git`]).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::files::Files;
use crate::normal_path::normal;
use crate::problem::{Place, Problem};
use crate::switch::switch;
use crate::typed::way;
use crate::yaml::shorten;

mod percent;

/// Names looked for in a folder of a repository, the first one found counts.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// A place in a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSource {
    /// The address, as git takes it; never begins with `-`.
    pub remote: String,
    /// A branch, a tag or a commit, else what the repository's `HEAD` names; never begins with `-`.
    pub reference: Option<String>,
    /// A folder or file in it, without `.` and `..`.
    pub inside: PathBuf,
}

/// A file that a text names, and the folder that a service taken from it counts paths from.
pub(crate) struct Found {
    /// The file.
    pub(crate) file: PathBuf,
    /// The file's folder; of a repository, its root.
    pub(crate) root: PathBuf,
    /// Whether it stands in a repository.
    pub(crate) is_fetched: bool,
}

impl Found {
    /// The way to one of its folders from the folder of the file that names it; whole where it stands
    /// in a repository.
    pub(crate) fn way(&self, from: &Path, to: &Path) -> PathBuf {
        match self.is_fetched {
            true => to.to_path_buf(),
            false => way(from, to),
        }
    }
}

/// The variable that switches fetching off.
const SWITCH: &str = "COMPOSE_EXPERIMENTAL_GIT_REMOTE";

/// The same files; where what is set says so, without what fetches repositories.
pub(crate) fn as_switched(files: &Files, environment: &BTreeMap<String, String>) -> Files {
    let said = environment.get(SWITCH).map_or("", String::as_str);
    if said.is_empty() {
        return files.clone();
    }
    let problem = match switch(SWITCH, said) {
        Ok(true) => return files.clone(),
        Ok(false) => {
            let what = format!("files of git repositories are switched off by {SWITCH}");
            Problem::error(what).hint(format!("take `{SWITCH}={said}` away"))
        }
        Err(problem) => problem,
    };
    files.clone().with_git(move |_| Err(problem.clone()))
}

/// The file that `text` names from `folder`, fetched where it stands in a repository. `place` is
/// where it is named.
///
/// # Errors
/// When it stands where nothing can be fetched from, or could not be fetched.
pub(crate) fn file(
    text: &str,
    folder: &Path,
    files: &Files,
    place: &Place,
) -> Result<Found, Problem> {
    let told = |problem: Problem| match &problem.place {
        Some(_) => problem,
        None => problem.at(place.clone()),
    };
    let Some(source) = parse(text).map_err(told)? else {
        let file = normal(&folder.join(text));
        let root = file.parent().unwrap_or(folder).to_path_buf();
        let is_fetched = false;
        return Ok(Found {
            file,
            root,
            is_fetched,
        });
    };
    let root = files.checkout(&source).map_err(told)?;
    let named = normal(&root.join(&source.inside));
    let is_file = files.read(&named).is_ok();
    let beside = NAMES.iter().map(|name| named.join(name));
    let mut tried = is_file.then(|| named.clone()).into_iter().chain(beside);
    match tried.find(|file| files.read(file).is_ok()) {
        Some(file) => Ok(Found {
            file,
            root,
            is_fetched: true,
        }),
        None => {
            let what = format!("`{}` has no Compose file there", shorten(text));
            let hint = "name its folder or file after the ref: `…#main:deploy/compose.yaml`";
            Err(told(Problem::error(what).hint(hint)))
        }
    }
}

/// The place in a repository that a text names; `None` when it names a file of this machine.
fn parse(text: &str) -> Result<Option<GitSource>, Problem> {
    let wrong = |why: &str, hint: &str| {
        let what = format!("`{}` {why}", shorten(text));
        Err(Problem::error(what).hint(hint.to_owned()))
    };
    if text.starts_with("github.com/") {
        let hint = "write it whole: `https://github.com/OWNER/NAME.git`";
        return wrong("is neither a file nor an address", hint);
    }
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (remote, query) = before.split_once('?').unwrap_or((before, ""));
    let scheme = scheme(text);
    match scheme.as_deref() {
        Some("http" | "https") if !remote.ends_with(".git") => {
            let hint = "clone it, or name a repository by an address that ends in `.git`";
            return wrong("is no file here and no git repository", hint);
        }
        Some("http" | "https" | "ssh" | "git" | "file") => {}
        Some("oci") => return wrong("is no file here", "pull it, and name the file"),
        Some(_) => return Ok(None),
        None if is_scp_style(remote) => {}
        None => return Ok(None),
    }
    let host = remote.split_once("://").map_or(remote, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    if host.starts_with('-') || remote.starts_with('-') {
        return wrong("names a host that begins with `-`", "write the host's name");
    }
    let undecoded = || {
        let hint = "write `%` as `%25`, and other signs in UTF-8, two digits a byte";
        wrong("has a `%` that stands for nothing", hint)
    };
    // An address of ssh's own form has no signs that stand for others after its `#`.
    let fragment = match scheme {
        Some(_) => percent::decoded(fragment),
        None => Some(fragment.to_owned()),
    };
    let Some(fragment) = fragment else {
        return undecoded();
    };
    let (reference, inside) = fragment.split_once(':').unwrap_or((&fragment, ""));
    let mut asked = Asked {
        reference: some(reference),
        inside: some(inside),
    };
    for (key, value) in query.split('&').filter_map(|it| it.split_once('=')) {
        let Some(value) = percent::decoded(&value.replace('+', " ")) else {
            return undecoded();
        };
        if !asked.take(key, &value) {
            let hint = "after `?` stand `ref`, `tag`, `branch` and `subdir`, each once";
            return wrong(&format!("says `{}`", shorten(key)), hint);
        }
    }
    if asked
        .reference
        .as_ref()
        .is_some_and(|it| it.starts_with('-'))
    {
        return wrong(
            "names a ref that begins with `-`",
            "name a branch, tag or commit",
        );
    }
    let inside = normal(Path::new(&asked.inside.unwrap_or_default()));
    let within = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !inside.components().all(within) {
        return wrong("leaves its repository", "name a folder or file in it");
    }
    // git knows its ways in small letters only.
    let remote = match (&scheme, remote.split_once("://")) {
        (Some(scheme), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => remote.to_owned(),
    };
    Ok(Some(GitSource {
        remote,
        reference: asked.reference,
        inside,
    }))
}

/// What is asked for of a repository.
struct Asked {
    reference: Option<String>,
    inside: Option<String>,
}

impl Asked {
    /// Takes a pair of the query; false where it has no meaning, or another one than what was said.
    fn take(&mut self, key: &str, value: &str) -> bool {
        let whole = |folder: &str| match value.starts_with(folder) {
            true => value.to_owned(),
            false => format!("{folder}{value}"),
        };
        let (said, value) = match key {
            "ref" => (&mut self.reference, value.to_owned()),
            "tag" => (&mut self.reference, whole("refs/tags/")),
            "branch" => (&mut self.reference, whole("refs/heads/")),
            "subdir" => (&mut self.inside, value.to_owned()),
            _ => return false,
        };
        if value.is_empty() || said.as_ref().is_some_and(|said| *said != value) {
            return false;
        }
        *said = Some(value);
        true
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What stands before `://`, in small letters, when it is a scheme.
fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once("://")?;
    let fits = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric());
    fits.then(|| scheme.to_ascii_lowercase())
}

/// Whether an address is one of ssh: `user@host:path`.
fn is_scp_style(remote: &str) -> bool {
    let parts = remote.split_once('@').and_then(|(user, rest)| {
        let (host, _) = rest.split_once(':')?;
        Some((user, host))
    });
    let word = |text: &str, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    parts.is_some_and(|(user, host)| word(user, "-_") && word(host, "-."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<(String, String, String)> {
        let source = parse(text).unwrap_or_else(|problem| panic!("{problem}"))?;
        let reference = source.reference.unwrap_or_default();
        Some((
            source.remote,
            reference,
            source.inside.display().to_string(),
        ))
    }

    #[test]
    fn an_address_names_a_repository_a_ref_and_a_folder() {
        for (text, remote, reference, inside) in [
            ("https://h/r.git", "https://h/r.git", "", ""),
            ("https://h/r.git#main", "https://h/r.git", "main", ""),
            ("https://h/r.git#f/x:a/b", "https://h/r.git", "f/x", "a/b"),
            ("HTTPS://H/r.git#:a", "https://H/r.git", "", "a"),
            (
                "https://h/r.git#f%2Fx:a%20b",
                "https://h/r.git",
                "f/x",
                "a b",
            ),
            (
                "https://h/r.git?ref=f%2fx+y",
                "https://h/r.git",
                "f/x y",
                "",
            ),
            ("git@h:r#f%2Fx", "git@h:r", "f%2Fx", ""),
            ("https://h/r.git#:a/../b/./c", "https://h/r.git", "", "b/c"),
            ("git@h:o/r.git#v1:a.yaml", "git@h:o/r.git", "v1", "a.yaml"),
            ("ssh://git@h:22/o/r", "ssh://git@h:22/o/r", "", ""),
            ("git://h/r", "git://h/r", "", ""),
            ("file:///r.git#a", "file:///r.git", "a", ""),
            (
                "https://h/r.git?tag=v1&subdir=a",
                "https://h/r.git",
                "refs/tags/v1",
                "a",
            ),
            (
                "https://h/r.git?branch=m",
                "https://h/r.git",
                "refs/heads/m",
                "",
            ),
        ] {
            let wanted = (remote.to_owned(), reference.to_owned(), inside.to_owned());
            assert_eq!(named(text), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_a_file() {
        for text in [
            "a.yaml",
            "./https://h/r.git",
            "../git@h:r",
            "/git@h:r",
            "ext::sh -c x",
            "ftp://h/r.git",
            "C:/a@b:c",
            "a b@h:r",
        ] {
            assert_eq!(named(text), None, "{text}");
        }
    }

    #[test]
    fn what_no_repository_can_be_fetched_by_is_told() {
        for (text, wanted) in [
            ("https://h/r", "no git repository"),
            ("github.com/o/r", "write it whole"),
            ("oci://h/r", "pull it"),
            ("https://-oProxyCommand=x/r.git", "begins with `-`"),
            ("ssh://git@-oProxyCommand=x/r", "begins with `-`"),
            ("git@-oProxyCommand:r", "begins with `-`"),
            ("https://h/r.git#--upload-pack=x", "begins with `-`"),
            ("https://h/r.git?ref=-x", "begins with `-`"),
            ("https://h/r.git#a:../b", "leaves its repository"),
            ("https://h/r.git#a:b/..%2f../c", "leaves its repository"),
            ("https://h/r.git#a%2", "stands for nothing"),
            ("https://h/r.git?ref=%ff", "stands for nothing"),
            ("https://h/r.git#%00", "stands for nothing"),
            ("https://h/r.git#%2D-upload-pack=x", "begins with `-`"),
            ("https://h/r.git#a:/etc/passwd", "leaves its repository"),
            ("https://h/r.git?foo=1", "says `foo`"),
            ("https://h/r.git?ref=a#b", "says `ref`"),
        ] {
            let problem = parse(text).expect_err(text).to_string();
            assert!(problem.contains(wanted), "{text}: {problem}");
        }
    }
}
