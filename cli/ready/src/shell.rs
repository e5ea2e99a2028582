//! The commands of a shell script that may run, as words. What is a comment, what stands behind
//! `true ||`, `false &&`, `if false` or a plain `exit` never does, and is left out. Read, never
//! run; what cannot be known (variables, substitutions) is taken to run.

/// A command that may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its words without quotes; assignments and words as `sudo` before it are left out.
    pub words: Vec<String>,
    /// The line it begins in, from 0.
    pub line: u32,
}

/// Words before a command that run it.
const WRAPPERS: [&str; 8] = [
    "sudo", "env", "time", "exec", "nohup", "command", "nice", "builtin",
];

/// The commands of a script that may run.
#[must_use]
pub fn commands(script: &str) -> Vec<Said> {
    let mut reader = Reader::default();
    for token in tokens(script) {
        if reader.ended {
            break;
        }
        match token {
            Token::Word(word, line) => reader.word(word, line),
            Token::Sign(sign) => reader.sign(sign),
        }
    }
    reader.sign(";");
    reader.found
}

#[derive(Debug)]
enum Token {
    Word(String, u32),
    Sign(&'static str),
}

/// What ends or joins commands, the longer first.
const SIGNS: [&str; 9] = ["&&", "||", ";;", ";", "|", "&", "(", ")", "\n"];

fn tokens(script: &str) -> Vec<Token> {
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

/// A part between words such as `if` and `fi`.
#[derive(Debug)]
struct Block {
    /// Whether what is around it runs.
    around: bool,
    /// Whether what stands here now may run.
    live: bool,
    /// What its condition comes to, where that is known.
    condition: Option<bool>,
    /// `until` waits for its condition.
    inverted: bool,
}

#[derive(Debug, Default)]
struct Reader {
    words: Vec<String>,
    line: u32,
    found: Vec<Said>,
    blocks: Vec<Block>,
    /// What the command before comes to, where that is known.
    status: Option<bool>,
    /// Whether the next command runs, and whether that hangs on the one before.
    skips: bool,
    hangs: bool,
    inverted: bool,
    ended: bool,
}

impl Reader {
    fn live(&self) -> bool {
        self.blocks.last().is_none_or(|block| block.live)
    }

    fn word(&mut self, word: String, line: u32) {
        if self.words.is_empty() && self.keyword(&word) {
            return;
        }
        if self.words.is_empty() {
            let assigns = word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            });
            if assigns || WRAPPERS.contains(&word.as_str()) {
                return;
            }
            self.line = line;
        }
        self.words.push(word);
    }

    fn keyword(&mut self, word: &str) -> bool {
        match word {
            "if" | "while" | "until" | "for" | "case" | "select" => {
                let around = self.live() && !self.skips;
                self.blocks.push(Block {
                    around,
                    live: around,
                    condition: None,
                    inverted: word == "until",
                });
                self.status = None;
                // What follows is no command but of `if` and its like.
                if matches!(word, "for" | "case" | "select") {
                    self.words.push(String::new());
                }
            }
            "then" | "do" => {
                let status = self.status.take();
                if let Some(block) = self.blocks.last_mut() {
                    block.condition = if block.inverted {
                        status.map(|it| !it)
                    } else {
                        status
                    };
                    block.live = block.around && block.condition != Some(false);
                }
            }
            "else" | "elif" => {
                if let Some(block) = self.blocks.last_mut() {
                    block.around &= block.condition != Some(true);
                    block.live = block.around;
                }
            }
            "fi" | "done" | "esac" => {
                self.blocks.pop();
                self.status = None;
            }
            "!" => self.inverted = !self.inverted,
            "{" | "}" => {}
            _ => return false,
        }
        true
    }

    fn sign(&mut self, sign: &str) {
        self.finish();
        match sign {
            "&&" => (self.skips, self.hangs) = (self.status == Some(false), true),
            "||" => (self.skips, self.hangs) = (self.status == Some(true), true),
            "|" | "(" | ")" => self.status = None,
            _ => (self.skips, self.hangs) = (false, false),
        }
    }

    /// Takes the words since the last sign as a command.
    fn finish(&mut self) {
        let words = std::mem::take(&mut self.words);
        let inverted = std::mem::take(&mut self.inverted);
        let Some(program) = words.first().filter(|program| !program.is_empty()) else {
            return;
        };
        if self.skips || !self.live() {
            return;
        }
        self.status = match program.as_str() {
            "true" | ":" | "echo" | "printf" => Some(!inverted),
            "false" => Some(inverted),
            _ => None,
        };
        self.ended = program == "exit" && !self.hangs && self.blocks.is_empty();
        let inner = match words.as_slice() {
            [shell, flags, script, ..]
                if matches!(last(shell), "sh" | "bash" | "dash" | "zsh")
                    && flags.starts_with('-')
                    && flags.ends_with('c') =>
            {
                Some(script)
            }
            [eval, script] if eval == "eval" => Some(script),
            _ => None,
        };
        match inner {
            Some(script) => self
                .found
                .extend(commands(script).into_iter().map(|it| Said {
                    line: self.line,
                    ..it
                })),
            None => self.found.push(Said {
                words,
                line: self.line,
            }),
        }
    }
}

/// A program's name without its folder.
#[must_use]
pub fn last(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::commands;

    fn said(script: &str) -> String {
        let all = commands(script).into_iter().map(|it| it.words.join(" "));
        all.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_may_run_is_told_from_what_never_does() {
        for (script, may_run) in [
            ("a b # c\n# d\ne", "a b; e"),
            ("true || a", "true"),
            ("false && a; b", "false; b"),
            ("false || a", "false; a"),
            ("false && a || b", "false; b"),
            ("echo x && a", "echo x; a"),
            ("a || b && c", "a; b; c"),
            ("if false; then a; else b; fi; c", "false; b; c"),
            ("if ! true; then a\nfi\nb", "true; b"),
            ("while false; do a; done", "false"),
            ("if x; then a; elif y; then b; fi", "x; a; y; b"),
            ("for i in 1 2; do a $i; done", "a $i"),
            ("exit 0\na", "exit 0"),
            ("x || exit 1\na", "x; exit 1; a"),
            ("true || a && b", "true; b"),
            ("if true; then a; elif b; then c; else d; fi", "true; a"),
            ("cat <<EOF\na b\nEOF\nc", "cat; c"),
            ("cat << 'E' > f\na b\nE\nc", "cat > f; c"),
            (
                "A=1 sudo a 'b c' \"d # e\" \\\n f 2>&1 | g",
                "a b c d # e f 2>&1; g",
            ),
            ("bash -ec 'a; # b\nc'", "a; c"),
            ("(a) && { b; }", "a; b"),
            ("a \"$(b | c)\" ${{ x || y }}", "a $(b | c) ${{ x || y }}"),
            ("echo 'a\nb'; c", "echo a\nb; c"),
        ] {
            assert_eq!(said(script), may_run, "{script}");
        }
    }

    #[test]
    fn a_command_knows_its_line_and_no_text_is_too_odd() {
        let all = commands("a\n\nb \\\n c\nd");
        let lines: Vec<u32> = all.iter().map(|it| it.line).collect();
        assert_eq!(lines, [0, 2, 4]);
        for odd in [
            "'", "\"", "$(", "\\", "<<", "fi", "&&", "if", "((", "ü'ü\\", "a <<E\n",
        ] {
            let _ = commands(odd);
        }
    }
}
