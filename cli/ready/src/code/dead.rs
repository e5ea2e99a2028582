//! Code that never runs, because a condition before it is the word for false.

/// The same code with what stands behind such a condition blanked; lines stay lines.
pub(super) fn without(path: &str, code: String) -> String {
    let lower = code.to_ascii_lowercase();
    if !["if false", "if 0", "if (false", "if(false", "if (0", "if(0"]
        .iter()
        .any(|it| lower.contains(it))
    {
        return code;
    }
    match path.ends_with(".py") {
        true => by_indent(&code),
        false => by_braces(code),
    }
}

fn by_indent(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut dead: Option<usize> = None;
    for line in code.split_inclusive('\n') {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        dead = dead.filter(|around| text.is_empty() || indent > *around);
        let begins = ["if False:", "if 0:"].iter().any(|it| text.starts_with(it));
        if dead.is_none() && begins {
            dead = Some(indent);
        }
        match dead {
            None => kept.push_str(line),
            Some(_) if line.ends_with('\n') => kept.push('\n'),
            Some(_) => {}
        }
    }
    kept
}

fn by_braces(code: String) -> String {
    let mut rest = code.as_str();
    let mut kept = String::with_capacity(code.len());
    while let Some((at, length)) = begin(rest) {
        let (before, after) = rest.split_at(at);
        kept.push_str(before);
        let (_, inside) = after.split_at(length);
        let (mut deep, mut end) = (1_u32, inside.len());
        for (place, sign) in inside.char_indices() {
            match sign {
                '{' => deep += 1,
                '}' => deep -= 1,
                _ => {}
            }
            if deep == 0 {
                end = place + 1;
                break;
            }
        }
        let gone = after[..length].chars().chain(inside[..end].chars());
        kept.extend(gone.filter(|it| *it == '\n'));
        rest = &inside[end..];
    }
    kept.push_str(rest);
    kept
}

/// Where the next block begins that never runs, and the length of its head.
fn begin(code: &str) -> Option<(usize, usize)> {
    let heads = [
        "if (false) {",
        "if(false) {",
        "if (false){",
        "if(false){",
        "if false {",
        "if (0) {",
    ];
    let found = heads
        .iter()
        .filter_map(|head| Some((code.find(head)?, head.len())));
    found.min()
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn what_never_runs_is_no_code() {
        let python = "if False:\n    a()\n\n    b()\nelse:\n    c()\n".to_owned();
        assert_eq!(without("a.py", python), "\n\n\n\nelse:\n    c()\n");
        let one = "x = 1\nif 0: a()\nb()".to_owned();
        assert_eq!(without("a.py", one), "x = 1\n\nb()");
        let braces = "x();\nif (false) { a(); { b(); }\n}\nc();".to_owned();
        assert_eq!(without("a.js", braces), "x();\n\n\nc();");
        assert_eq!(
            without("a.rs", "if falsely { a }".to_owned()),
            "if falsely { a }"
        );
    }
}
