//! How far the word or value reaches that begins at a place, as far as its one line tells.

/// The place behind what begins at `start`; `start` itself where that cannot be told.
pub(super) fn end(chars: &[char], start: usize, has_structure: bool) -> usize {
    let rest = chars.get(start..).unwrap_or_default();
    if !has_structure {
        return start;
    }
    match rest.first() {
        Some(quote @ ('"' | '\'')) => start + quoted(rest, *quote),
        Some('[' | '{' | '|' | '>' | ',' | ']' | '}' | '#') | None => start,
        Some(_) => start + plain(rest, within_brackets(chars, start)),
    }
}

/// Up to the closing quote; a text that goes on in the next line reaches to the end of this one.
fn quoted(rest: &[char], quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.iter().enumerate().skip(1) {
        if escaped {
            escaped = false;
        } else if *c == '\\' && quote == '"' {
            escaped = true;
        } else if *c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// Up to a `: `, a comment, or the comma or bracket that ends it in a list of one line.
fn plain(rest: &[char], in_brackets: bool) -> usize {
    let blank = |at: usize| rest.get(at).is_none_or(|c| c.is_whitespace());
    let ends = |at: usize, c: char| match c {
        ':' => blank(at + 1) || in_brackets && matches!(rest.get(at + 1), Some(',' | ']' | '}')),
        '#' => at > 0 && blank(at - 1),
        ',' | ']' | '}' => in_brackets,
        _ => false,
    };
    let mut reach = 0;
    let mut open = 0_usize;
    for (at, c) in rest.iter().enumerate() {
        // The brackets of `${A:-b}` are its own.
        if *c == '{' && at > 0 && rest.get(at - 1) == Some(&'$') {
            open += 1;
        } else if *c == '}' && open > 0 {
            open -= 1;
            reach = at + 1;
            continue;
        }
        if open == 0 && ends(at, *c) {
            break;
        }
        if !c.is_whitespace() {
            reach = at + 1;
        }
    }
    reach
}

/// Whether a bracket is open where `start` is.
fn within_brackets(chars: &[char], start: usize) -> bool {
    let (mut open, mut quote) = (0_usize, None);
    let mut within_word = false;
    for c in chars.iter().take(start) {
        match (quote, c) {
            (Some(q), c) if q == *c => quote = None,
            (Some(_), _) => {}
            // That of `don't` opens nothing.
            (None, '"' | '\'') if !within_word => quote = Some(*c),
            (None, '[' | '{') => open += 1,
            (None, ']' | '}') => open = open.saturating_sub(1),
            _ => {}
        }
        within_word = c.is_alphanumeric();
    }
    open > 0
}
