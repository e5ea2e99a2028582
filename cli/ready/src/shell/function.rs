//! The functions of a script: what they hold runs where they are called, not where they stand.

use std::collections::BTreeMap;

use super::token::Token;

/// What each function holds, by name.
pub(super) type Functions = BTreeMap<String, Vec<Token>>;

/// The script without its functions, and these.
pub(super) fn apart(tokens: Vec<Token>) -> (Vec<Token>, Functions) {
    let (mut script, mut functions) = (Vec::new(), Functions::new());
    let mut at = 0;
    while at < tokens.len() {
        // `a() (…)` and other odd bodies stay where they are.
        if let Some((name, begin)) = head(&tokens[at..]).filter(|_| is_start(&script))
            && let Some(end) = end(&tokens[at + begin..])
        {
            let body = tokens[at + begin..at + begin + end].to_vec();
            functions.insert(name, body);
            at += begin + end + 1;
        } else {
            script.push(tokens[at].clone());
            at += 1;
        }
    }
    (script, functions)
}

/// Whether a command begins after these.
fn is_start(before: &[Token]) -> bool {
    match before.last() {
        None | Some(Token::Sign(_)) => true,
        Some(Token::Word(word, _)) => matches!(word.as_str(), "then" | "do" | "else" | "{"),
    }
}

/// The name of the function that begins here, and where its body does.
fn head(tokens: &[Token]) -> Option<(String, usize)> {
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(word, _)) => Some(word.as_str()),
        _ => None,
    };
    let sign =
        |at: usize, wanted: &str| matches!(tokens.get(at), Some(Token::Sign(it)) if *it == wanted);
    let named = word(0)? == "function";
    let name = word(usize::from(named))?;
    let mut at = usize::from(named) + 1;
    let called = sign(at, "(") && sign(at + 1, ")");
    if called {
        at += 2;
    }
    while sign(at, "\n") {
        at += 1;
    }
    ((called || named) && word(at)? == "{").then(|| (name.to_owned(), at + 1))
}

/// Where the body that begins here ends.
fn end(tokens: &[Token]) -> Option<usize> {
    let mut deep = 1_u32;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Word(word, _) if word == "{" => deep += 1,
            Token::Word(word, _) if word == "}" => {
                deep -= 1;
                if deep == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
