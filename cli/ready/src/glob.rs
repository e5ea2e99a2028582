//! Patterns of paths, as CODEOWNERS and the pipelines' restrictions write them: `*` within a folder,
//! `**` through folders, `?`, `[a-z]` and `{a,b}`.

/// Whether a pattern is met by a whole path.
#[must_use]
pub fn is_met(pattern: &str, path: &str) -> bool {
    alternatives(pattern, 0).iter().any(|pattern| {
        meets(
            pattern.as_bytes(),
            path.as_bytes(),
            &mut std::collections::BTreeSet::new(),
        )
    })
}

/// What was left of a pattern and of a path.
type Tried = std::collections::BTreeSet<(usize, usize)>;

/// Alternatives are written out so many times at most.
const MOST: usize = 64;

/// A pattern without its braces, once for each way through them.
fn alternatives(pattern: &str, depth: usize) -> Vec<String> {
    let open = pattern.find('{');
    let close = open.and_then(|open| pattern.get(open..)?.find('}').map(|at| open + at));
    let (Some(open), Some(close)) = (open, close.filter(|_| depth < 4)) else {
        return vec![pattern.to_owned()];
    };
    let (before, after) = (&pattern[..open], &pattern[close + 1..]);
    pattern[open + 1..close]
        .split(',')
        .flat_map(|one| alternatives(&format!("{before}{one}{after}"), depth + 1))
        .take(MOST)
        .collect()
}

/// Goes through both, and back to a star where that leads nowhere; `tried` holds how much was left of
/// both where it did.
fn meets(pattern: &[u8], path: &[u8], tried: &mut Tried) -> bool {
    if !tried.insert((pattern.len(), path.len())) {
        return false;
    }
    match pattern.split_first() {
        None => path.is_empty(),
        Some((b'*', rest)) if rest.first() == Some(&b'*') => {
            let rest = &rest[1..];
            // `a/**/b` is `a/b` too.
            let no_folder = rest
                .strip_prefix(b"/")
                .is_some_and(|rest| meets(rest, path, tried));
            no_folder || (0..=path.len()).any(|at| meets(rest, &path[at..], tried))
        }
        Some((b'*', rest)) => {
            let end = path.iter().position(|it| *it == b'/');
            (0..=end.unwrap_or(path.len())).any(|at| meets(rest, &path[at..], tried))
        }
        Some((b'[', rest)) => match (rest.iter().position(|it| *it == b']'), path.split_first()) {
            (Some(end), Some((sign, left))) => {
                is_among(&rest[..end], *sign) && meets(&rest[end + 1..], left, tried)
            }
            _ => false,
        },
        Some((wanted, rest)) => path.split_first().is_some_and(|(sign, left)| {
            (wanted == sign || (*wanted == b'?' && *sign != b'/')) && meets(rest, left, tried)
        }),
    }
}

/// Whether a sign is of a class such as `a-z_`.
fn is_among(class: &[u8], sign: u8) -> bool {
    let (not, class) = match class.split_first() {
        Some((b'!' | b'^', class)) => (true, class),
        _ => (false, class),
    };
    let range = class
        .windows(3)
        .any(|it| it[1] == b'-' && (it[0]..=it[2]).contains(&sign));
    (range || class.contains(&sign)) != not
}

/// Whether the last of some patterns that a path meets lets it in: those that begin with `!` keep
/// it out.
#[must_use]
pub fn lets_in(patterns: &[String], path: &str) -> bool {
    let last = patterns.iter().rev().find(|pattern| {
        let pattern = pattern.trim_start_matches('!').trim_start_matches("./");
        is_met(pattern, path)
    });
    last.is_some_and(|pattern| !pattern.starts_with('!'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_in_its_folder_and_two_leave_it() {
        for (pattern, path, met) in [
            ("orders/**", "orders/a/b.py", true),
            ("orders/**", "orders-old/a.py", false),
            ("orders", "orders/a.py", false),
            ("orders/*", "orders/a.py", true),
            ("orders/*", "orders/a/b.py", false),
            ("**/orders/**", "orders/a.py", true),
            ("**", "a/b", true),
            ("*.md", "a.md", true),
            ("*.md", "a/b.md", false),
            ("a/**/b", "a/b", true),
            ("a/{b,c}/*.[jt]s", "a/c/x.ts", true),
            ("a/{b,c}/*.[jt]s", "a/d/x.ts", false),
            ("a?c", "abc", true),
        ] {
            assert_eq!(is_met(pattern, path), met, "{pattern} {path}");
        }
        let list = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert!(lets_in(&list(&["a/**", "!a/docs/**"]), "a/x.py"));
        assert!(!lets_in(&list(&["a/**", "!a/**"]), "a/x.py"));
        assert!(lets_in(&list(&["!a/**", "a/x.py"]), "a/x.py"));
    }

    #[test]
    fn many_stars_end() {
        assert!(!is_met(&"**a".repeat(40), &"a".repeat(39)));
        assert!(!is_met(&"{a,b}".repeat(40), "c"));
    }
}
