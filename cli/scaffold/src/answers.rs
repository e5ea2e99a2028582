//! What was asked and answered. Two questions belong to every template: `folder`, which holds the
//! service's folder, and `port`, at which the host calls it.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use msvc_system::problem::nearest;

use crate::error::ScaffoldError;
use crate::template::{Question, Template};

/// Which folder holds the service's.
pub const FOLDER: &str = "folder";
/// The port at which the host calls the service.
pub const PORT: &str = "port";

/// Characters that an answer may have.
const LONGEST: usize = 200;

/// All answers, by question.
pub type Answers = BTreeMap<String, String>;

/// The questions of a template, `port` only where the service is wired into a system.
#[must_use]
pub fn questions(template: &Template, alone: bool) -> Vec<Question> {
    let own = |key: &str, ask: &str, default: &str| Question {
        key: key.to_owned(),
        ask: ask.to_owned(),
        default: default.to_owned(),
        may_be_empty: false,
    };
    let mut questions = template.questions.clone();
    questions.push(own(FOLDER, "Which folder is to hold it?", "{{ folder }}"));
    if !alone {
        let ask = "At which port of this machine is it called?";
        questions.push(own(PORT, ask, "{{ port }}"));
    }
    questions
}

/// The question of that name.
///
/// # Errors
/// When none is asked, with what is.
pub fn question<'q>(
    questions: &'q [Question],
    template: &str,
    key: &str,
) -> Result<&'q Question, ScaffoldError> {
    let found = questions.iter().find(|question| question.key == key);
    found.ok_or_else(|| {
        let keys: Vec<&str> = questions.iter().map(|q| q.key.as_str()).collect();
        let hint = match nearest(key, keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it asks for: {}", keys.join(", ")),
        };
        ScaffoldError::Question {
            template: template.to_owned(),
            key: key.to_owned(),
            hint,
        }
    })
}

/// The answer as it is kept, checked.
///
/// # Errors
/// With what would fit.
pub fn check(question: &Question, value: &str) -> Result<String, ScaffoldError> {
    let value = value.trim();
    let fault = if value.is_empty() {
        (!question.may_be_empty).then(|| "give something".to_owned())
    } else if value.chars().any(|c| c.is_control() || is_separator(c)) {
        Some("give one line without control characters".to_owned())
    } else if value.chars().count() > LONGEST {
        Some(format!("give at most {LONGEST} characters"))
    } else {
        match question.key.as_str() {
            PORT => port(value).err(),
            FOLDER => folder(value).err(),
            _ => None,
        }
    };
    match fault {
        None => Ok(match question.key.as_str() {
            FOLDER => folder(value).unwrap_or_default(),
            _ => value.to_owned(),
        }),
        Some(why) => Err(ScaffoldError::Answer {
            key: question.key.clone(),
            value: value.to_owned(),
            why,
        }),
    }
}

/// Characters that end a line for some reader, or turn the direction of what follows.
fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn port(value: &str) -> Result<u16, String> {
    let digits = value.chars().all(|c| c.is_ascii_digit()) && !value.starts_with('0');
    let port = digits.then(|| value.parse().ok()).flatten();
    port.ok_or_else(|| "give a port from 1 to 65535".to_owned())
}

/// A folder inside the system's, with single slashes and without `.`; empty for that itself.
fn folder(value: &str) -> Result<String, String> {
    let mut parts = Vec::new();
    for component in Path::new(value).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) if is_kept_from_git(&part.to_string_lossy()) => {
                return Err("give a folder that git tracks: `.git` and `.msvc` are none".to_owned());
            }
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            _ => return Err("give a folder inside the system's, without `..`".to_owned()),
        }
    }
    if value.contains('\\') || value.contains(':') {
        return Err("give a folder with `/` and neither `\\` nor `:`".to_owned());
    }
    Ok(parts.join("/"))
}

/// Whether nothing in a folder of this name is ever part of a commit.
fn is_kept_from_git(name: &str) -> bool {
    [".git", ".msvc"]
        .iter()
        .any(|it| name.eq_ignore_ascii_case(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(key: &str) -> Question {
        Question {
            key: key.to_owned(),
            ask: "?".to_owned(),
            default: String::new(),
            may_be_empty: key == "owner",
        }
    }

    #[test]
    fn a_folder_stays_inside() {
        let folder = |value| check(&asked(FOLDER), value).ok();
        assert_eq!(folder("services").as_deref(), Some("services"));
        assert_eq!(folder("./a//b/").as_deref(), Some("a/b"));
        assert_eq!(folder(".").as_deref(), Some(""));
        for bad in [
            "..",
            "a/../..",
            "/etc",
            "",
            "a\\b",
            "c:x",
            "a\nb",
            ".git/hooks",
            "a/.msvc",
        ] {
            assert_eq!(folder(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_port_is_a_number_of_a_port() {
        let port = |value| check(&asked(PORT), value).is_ok();
        assert!(port("8080") && port(" 1 ") && port("65535"));
        for bad in ["", "0", "080", "65536", "-1", "+80", "80a", "http"] {
            assert!(!port(bad), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_one_short_line() {
        assert!(check(&asked("description"), "It's \"all\" 日本語 {{ 1 }}").is_ok());
        assert!(check(&asked("description"), " ").is_err());
        assert!(check(&asked("owner"), " ").is_ok());
        for bad in [
            "two\nlines",
            "a\u{2028}b",
            "\u{202e}",
            "\0",
            &"x".repeat(201),
        ] {
            assert!(check(&asked("owner"), bad).is_err(), "{bad:?}");
        }
    }
}
