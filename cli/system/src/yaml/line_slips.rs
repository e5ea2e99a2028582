//! What is most likely wrong with a line that a parser does not take: a sign too few or too many, or its
//! indentation.
//!
//! What comes in: the place and the words of a parser. What leaves: what a person did, and what to do. What must not
//! enter: lines that are YAML.

use crate::files::has_structure;
use crate::problem::{Place, Problem};

/// Lines above that are looked at.
const MOST_ABOVE: usize = 2_000;

/// A line with its indentation.
#[derive(Clone, Copy)]
struct Line<'t> {
    number: usize,
    indentation: usize,
    text: &'t str,
}

/// The problem that a line is, where it can be told. What may be a file of settings is not looked at: words of
/// its lines are shown here.
pub(super) fn blamed(place: &Place, message: &str, text: &str) -> Option<Problem> {
    if !has_structure(&place.file) {
        return None;
    }
    let number = usize::try_from(place.line).ok()?;
    let begin = number.saturating_sub(MOST_ABOVE);
    let lines: Vec<Line<'_>> = text
        .lines()
        .enumerate()
        .skip(begin)
        .take(number - begin)
        .map(|(at, line)| Line {
            number: at + 1,
            indentation: line.len() - line.trim_start_matches(' ').len(),
            text: line.trim(),
        })
        .filter(|line| !line.text.is_empty() && !line.text.starts_with('#'))
        .collect();
    let (here, above) = lines
        .split_last()
        .filter(|(here, _)| here.number == number)?;
    let told = |line: &Line<'_>, what: String, hint: String| {
        let place = Place {
            line: u32::try_from(line.number).unwrap_or(u32::MAX),
            column: u32::try_from(line.indentation + 1).unwrap_or(u32::MAX),
            file: place.file.clone(),
        };
        Some(
            Problem::error(format!("this is not YAML: {what}"))
                .at(place)
                .hint(hint),
        )
    };
    if here.text.starts_with("//") {
        let what = "`//` begins no comment".to_owned();
        return told(here, what, "begin it with `#`".to_owned());
    }
    if message.contains("trailing content after")
        && let Some(problem) = not_closed(place, text, above)
    {
        return Some(problem);
    }
    if let Some((what, hint)) = of_quotes(message) {
        let what = format!("this is not YAML: {what}");
        return Some(Problem::error(what).at(place.clone()).hint(hint));
    }
    if message.contains("simple key expected") || message.contains("mapping values") {
        let without = [Some(here), above.last()].into_iter().flatten();
        let mut without = without.filter_map(|line| Some((line, without_colon(line.text)?)));
        if let Some((line, (what, hint))) = without.next() {
            return told(line, what, hint);
        }
        if let (Some(last), Some(key)) = (above.last(), key_of(here.text))
            && here.indentation > last.indentation
            && let Some(other) = key_of(last.text).filter(|it| it.len() + 1 < last.text.len())
        {
            let what =
                format!("`{key}` stands further to the right than `{other}`, which has a value");
            let hint = "let both begin in one column, or take that value away".to_owned();
            return told(here, what, hint);
        }
    }
    let sign = usize::try_from(place.column).ok().and_then(|column| {
        let line = text.lines().nth(number.saturating_sub(1))?;
        line.chars().nth(column.saturating_sub(1))
    });
    // Within brackets it is the brackets that say what stands where.
    if message.contains("flow") {
        return None;
    }
    if sign == Some(',') {
        let what = "no comma ends a line outside of brackets".to_owned();
        return told(here, what, "take the comma away".to_owned());
    }
    let open = open_above(above);
    let is_item = here.text.starts_with("- ");
    match open
        .iter()
        .find(|line| line.indentation == here.indentation)
    {
        Some(beside) if beside.text.starts_with("- ") && !is_item => {
            let what = "lines beside this one begin with `- `, and this one does not".to_owned();
            let hint = format!(
                "write the `- `, or indent it otherwise than line {}",
                beside.number
            );
            told(here, what, hint)
        }
        None if message.contains("did not find expected") && !open.is_empty() => {
            let mut left = open
                .iter()
                .rev()
                .filter(|it| it.indentation < here.indentation);
            let nearest = left.next();
            if here.text.starts_with(['"', '\''])
                && let Some(item) = nearest.filter(|it| it.text.starts_with("- "))
            {
                let what = "this item of a list has no `- `".to_owned();
                let hint = format!(
                    "write it before, as far to the left as in line {}",
                    item.number
                );
                return told(here, what, hint);
            }
            let right = open.iter().find(|it| it.indentation > here.indentation);
            let spaces = nearest.into_iter().chain(right);
            let spaces: Vec<String> = spaces.map(|it| it.indentation.to_string()).collect();
            let what = format!(
                "this line begins with {} spaces, and none does that it could stand beside",
                here.indentation
            );
            let hint = format!("begin it with {} spaces", spaces.join(" or "));
            told(here, what, hint)
        }
        _ => None,
    }
}

/// The quote above that nobody closed, where the text from there on ends at one that was to begin another: right
/// before `place`.
fn not_closed(place: &Place, text: &str, above: &[Line<'_>]) -> Option<Problem> {
    let line = text
        .lines()
        .nth(usize::try_from(place.line).ok()?.checked_sub(1)?)?;
    let before: Vec<char> = line
        .chars()
        .take(usize::try_from(place.column).ok()?.saturating_sub(1))
        .collect();
    let quote = *before.iter().rev().find(|sign| !sign.is_whitespace())?;
    let is_quote = |sign: &&char| **sign == quote;
    // One that it has itself begins it here.
    if !matches!(quote, '"' | '\'') || before.iter().filter(is_quote).count() != 1 {
        return None;
    }
    let open = above.iter().rev().find(|line| line.text.contains(quote))?;
    let signs = open.text.chars().filter(|sign| *sign == quote).count();
    let at = open.text.rfind(quote).filter(|_| signs % 2 == 1)?;
    let column = open.indentation + open.text.get(..at)?.chars().count() + 1;
    let begins = Place {
        file: place.file.clone(),
        line: u32::try_from(open.number).ok()?,
        column: u32::try_from(column).ok()?,
    };
    let ends = place.line;
    let what = "this is not YAML: this quote is not closed in its line";
    let hint = format!("write the same quote where the text ends; now it goes on to line {ends}");
    Some(Problem::error(what).at(begins).hint(hint))
}

/// What is wrong with a text in quotes, and what to do.
fn of_quotes(message: &str) -> Option<(&'static str, &'static str)> {
    let told = [
        (
            "unknown escape character",
            "a backslash in double quotes stands for another sign with the next",
            "write `\\\\` for a backslash, or put the text in single quotes",
        ),
        (
            "unclosed quote",
            "this quote is not closed",
            "write the same quote where the text ends",
        ),
        (
            "trailing content after double-quoted",
            "the text in quotes ends before this",
            "put all of it in single quotes, or write `\\\"` for a quote within",
        ),
        (
            "trailing content after single-quoted",
            "the text in quotes ends before this",
            "put all of it in double quotes, or write `''` for a quote within",
        ),
    ];
    let mut told = told.iter().filter(|(said, ..)| message.contains(said));
    told.next().map(|(_, what, hint)| (*what, *hint))
}

/// Of a line that most likely lacks a sign: what is wrong, and what to do.
fn without_colon(text: &str) -> Option<(String, String)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if text.starts_with('-') && !text.starts_with("- ") && !text.starts_with("---") {
        let what = "no space follows this `-`".to_owned();
        return Some((what, "write one behind it, or take it away".to_owned()));
    }
    if text.contains(": ") || text.ends_with(':') || !text.starts_with(|c| is_name(c) && c != '-') {
        return None;
    }
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    if rest.is_empty() {
        let what = format!("no colon follows `{name}`");
        return Some((what, format!("write `{name}:`")));
    }
    let (sign, value) = match rest.trim_start().chars().next()? {
        sign @ (':' | '=') => (sign, rest.trim_start().get(1..)?.trim()),
        _ if rest.starts_with(' ') => (' ', rest.trim()),
        _ => return None,
    };
    let what = match sign {
        ':' => format!("no space follows the colon of `{name}`"),
        _ => format!("no colon follows `{name}`"),
    };
    let shown = format!("{name}: {value}");
    Some(match shown.len() <= 60 && !value.is_empty() {
        true => (what, format!("write `{shown}`")),
        false => (what, format!("write `{name}: ` and the value")),
    })
}

/// The key that a line begins with.
fn key_of(text: &str) -> Option<&str> {
    let text = text.strip_prefix("- ").unwrap_or(text);
    let (key, rest) = text.split_once(':')?;
    let is_key = rest.is_empty() || rest.starts_with(' ');
    (is_key && !key.contains([' ', '"', '\'', '{', '['])).then_some(key)
}

/// The lines above that one could stand beside, the nearest last.
fn open_above<'l, 't>(above: &'l [Line<'t>]) -> Vec<&'l Line<'t>> {
    let mut open: Vec<&Line<'_>> = Vec::new();
    for line in above {
        open.retain(|it| it.indentation < line.indentation);
        open.push(line);
    }
    open
}

#[cfg(test)]
mod tests {
    use crate::yaml::parse_documents;

    #[test]
    fn what_a_person_did_is_told_of_a_line_that_is_no_yaml() {
        const SERVICE: &str = "services:\n  web:\n    image: nginx\n";
        for (lines, wanted) in [
            (
                "    entrypoint [a]\n",
                "f.yaml:4:5: this is not YAML: no colon follows `entrypoint` (write `entrypoint: [a]`)",
            ),
            (
                "    depends_on\n      - db\n    tty: true\n",
                "f.yaml:4:5: this is not YAML: no colon follows `depends_on` (write `depends_on:`)",
            ),
            (
                "    hostname = a\n    tty: true\n",
                "f.yaml:4:5: this is not YAML: no colon follows `hostname` (write `hostname: a`)",
            ),
            (
                "    hostname:a\n    tty: true\n",
                "f.yaml:4:5: this is not YAML: no space follows the colon of `hostname` (write `hostname: a`)",
            ),
            (
                "    // note\n    tty: true\n",
                "f.yaml:4:5: this is not YAML: `//` begins no comment (begin it with `#`)",
            ),
            (
                "    ports:\n      - '80'\n      -'81'\n",
                "f.yaml:6:7: this is not YAML: no space follows this `-`",
            ),
            (
                "    ports:\n      - '80'\n      '81'\n",
                "f.yaml:6:7: this is not YAML: lines beside this one begin with `- `",
            ),
            (
                "    labels:\n      - 'a'\n        'b'\n      - 'c'\n",
                "f.yaml:6:9: this is not YAML: this item of a list has no `- ` (write it before, as far to the left as in line 5)",
            ),
            (
                "    hostname: \"a\n",
                "f.yaml:4:15: this is not YAML: this quote is not closed",
            ),
            (
                "    hostname: \"a\n    ports:\n      - '1:1'\n      - \"80:80\"\n",
                "f.yaml:4:15: this is not YAML: this quote is not closed in its line (write the same quote where the text ends; now it goes on to line 7)",
            ),
            (
                "    hostname: 'a\n    labels:\n      b: don't\n",
                "f.yaml:4:15: this is not YAML: this quote is not closed in its line",
            ),
            (
                "    hostname: \"a\n      b\"\n    command: \"a \"b\"\n",
                "f.yaml:6:18: this is not YAML: the text in quotes ends before this",
            ),
            (
                "    command: 'it's'\n",
                "f.yaml:4:18: this is not YAML: the text in quotes ends before this (put all of it in double quotes",
            ),
            (
                "    networks: [a],\n    tty: true\n",
                "f.yaml:4:5: this is not YAML: no comma ends a line outside of brackets",
            ),
            (
                "    hostname: a\n      tty: true\n",
                "f.yaml:5:7: this is not YAML: `tty` stands further to the right than `hostname`, which has a value",
            ),
            (
                "    volumes: [\"C:\\data:/x\"]\n",
                "f.yaml:4:15: this is not YAML: a backslash in double quotes stands for another sign",
            ),
            (
                "  environment:\n      A: b\n    tty: true\n",
                "f.yaml:6:5: this is not YAML: this line begins with 4 spaces, and none does that it could stand beside (begin it with 2 or 6 spaces)",
            ),
        ] {
            let text = format!("{SERVICE}{lines}");
            let told = parse_documents("f.yaml".as_ref(), text.as_bytes()).unwrap_err();
            let told = told.to_string();
            assert!(told.starts_with(wanted), "{lines}{told}");
        }
    }
}
