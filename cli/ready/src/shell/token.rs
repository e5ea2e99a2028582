//! A script as words without quotes, and the signs between them; comments and texts that follow a
//! line (`<<END`) are left out.

/// A word, with the line it stands in, or what ends or joins commands.
#[derive(Debug, Clone)]
pub(super) enum Token {
    Word(String, u32),
    Sign(&'static str),
}

/// What ends or joins commands, the longer first.
const SIGNS: [&str; 9] = ["&&", "||", ";;", ";", "|", "&", "(", ")", "\n"];

/// What a script is made of.
pub(super) fn tokens(script: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (script, 0);
    // The ends of texts that follow this line, and whether the next word is one.
    let (mut here, mut names_end) = (Vec::<String>::new(), false);
    while let Some(next) = rest.chars().next() {
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        if let Some(sign) = sign {
            found.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
            if *sign == "\n" {
                line += 1;
                for end in here.drain(..) {
                    rest = past(rest, &end, &mut line);
                }
            }
        } else if let Some(after) = rest.strip_prefix("\\\n") {
            rest = after;
            line += 1;
        } else if next == '#' {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if next.is_whitespace() {
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        } else {
            let (word, length, lines) = word(rest);
            rest = rest.get(length..).unwrap_or_default();
            if std::mem::take(&mut names_end) {
                here.push(word);
            } else if let Some(end) = word.strip_prefix("<<").filter(|end| !end.starts_with('<')) {
                let end = end.trim_start_matches('-').to_owned();
                names_end = end.is_empty();
                here.extend(Some(end).filter(|end| !end.is_empty()));
            } else {
                found.push(Token::Word(word, line));
            }
            line += lines;
        }
    }
    found
}

/// What follows a text that ends with a line of `end`.
fn past<'a>(text: &'a str, end: &str, line: &mut u32) -> &'a str {
    let mut rest = text;
    while !rest.is_empty() {
        let (first, after) = rest.split_once('\n').unwrap_or((rest, ""));
        *line += 1;
        rest = after;
        if first.trim() == end {
            break;
        }
    }
    rest
}

/// The word that begins here without its quotes, its length, and the ends of lines in it.
fn word(text: &str) -> (String, usize, u32) {
    let (mut word, mut quote, mut deep) = (String::new(), None, 0_u32);
    let mut signs = text.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        let next = signs.peek().map(|(_, next)| *next);
        match (quote, sign) {
            (Some('\''), '\'') => quote = None,
            (Some('"'), '"') => quote = None,
            (Some(_), '\\') | (None, '\\') if quote != Some('\'') => {
                if let Some((_, escaped)) = signs.next().filter(|(_, it)| *it != '\n') {
                    word.push(escaped);
                }
            }
            (None, '\'' | '"') => quote = Some(sign),
            // What is put in may hold anything.
            (None, '$') if matches!(next, Some('(' | '{')) => {
                word.push(sign);
                word.extend(signs.next().map(|(_, open)| open));
                deep += 1;
            }
            (None, '{' | '(') if deep > 0 => {
                deep += 1;
                word.push(sign);
            }
            (None, '}' | ')') if deep > 0 => {
                deep -= 1;
                word.push(sign);
            }
            (None, _)
                if deep == 0
                    && (sign.is_whitespace() || matches!(sign, ';' | '&' | '|' | '(' | ')')) =>
            {
                // `2>&1` is one word.
                if sign == '&' && word.ends_with('>') {
                    word.push(sign);
                    continue;
                }
                return (word, at, lines(&text[..at]));
            }
            _ => word.push(sign),
        }
    }
    (word, text.len(), lines(text))
}

fn lines(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}
