//! The commands of a shell script that may run, as words. What is a comment, what stands behind
//! `true ||`, `false &&`, `if false` or a plain `exit` never does, and is left out. Read, never
//! run; what cannot be known (variables, substitutions) is taken to run.

use std::cell::Cell;
use std::rc::Rc;

use function::Functions;
use token::{Token, tokens};

mod function;
mod token;

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
    let (tokens, functions) = function::apart(tokens(script));
    let mut reader = Reader {
        functions: Rc::new(functions),
        ..Reader::default()
    };
    reader.read(&tokens);
    reader.found
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
    /// What the script defines, and how deep in it this is.
    functions: Rc<Functions>,
    depth: u32,
    /// How many calls of them were followed.
    calls: Rc<Cell<u32>>,
}

/// Functions that call functions are followed so far, and so often in one script.
const DEEPEST: u32 = 5;
const MOST_CALLS: u32 = 1_000;

impl Reader {
    fn read(&mut self, tokens: &[Token]) {
        for token in tokens {
            if self.ended {
                return;
            }
            match token {
                Token::Word(word, line) => self.word(word.clone(), *line),
                Token::Sign(sign) => self.sign(sign),
            }
        }
        self.sign(";");
    }

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
            "true" | ":" | "echo" | "printf" => Some(true),
            "false" => Some(false),
            "[" | "[[" | "test" => tested(&words),
            _ => None,
        }
        .map(|is| is != inverted);
        let ends = program == "exit" || (program == "set" && reads_only(&words));
        self.ended = ends && !self.hangs && self.blocks.is_empty();
        if self.call(program) {
            return;
        }
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

impl Reader {
    /// Whether a command is a function of the script, whose commands run then.
    fn call(&mut self, name: &str) -> bool {
        let functions = Rc::clone(&self.functions);
        let Some(body) = functions.get(name) else {
            return false;
        };
        if self.depth >= DEEPEST || self.calls.get() >= MOST_CALLS {
            return true;
        }
        self.calls.set(self.calls.get() + 1);
        let mut inner = Self {
            functions: Rc::clone(&functions),
            depth: self.depth + 1,
            calls: Rc::clone(&self.calls),
            ..Self::default()
        };
        inner.read(body);
        self.found.append(&mut inner.found);
        true
    }
}

/// What a test of words comes to in which nothing is put in.
fn tested(words: &[String]) -> Option<bool> {
    let known = |word: &&String| !word.contains(['$', '`', '*', '?']);
    let words: Vec<&str> = words
        .iter()
        .skip(1)
        .filter(|word| !matches!(word.as_str(), "]" | "]]"))
        .take_while(known)
        .map(String::as_str)
        .chain(words.iter().skip(1).find(|word| !known(word)).map(|_| "$"))
        .collect();
    match words.as_slice() {
        all if all.contains(&"$") => None,
        ["!", one] => Some(one.is_empty()),
        ["-n", text] => Some(!text.is_empty()),
        ["-z", text] => Some(text.is_empty()),
        [a, "=" | "==" | "-eq", b] => Some(a == b),
        [a, "!=" | "-ne", b] => Some(a != b),
        [one] => Some(!one.is_empty()),
        [] => Some(false),
        _ => None,
    }
}

/// Whether `set` keeps the shell from running what it reads on.
fn reads_only(words: &[String]) -> bool {
    let named = words
        .windows(2)
        .any(|it| it[0] == "-o" && it[1] == "noexec");
    let flags = words.iter().skip(1).take_while(|word| *word != "--");
    let mut flags = flags.filter(|word| word.starts_with('-') && !word.starts_with("--"));
    named || flags.any(|word| word.contains('n'))
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
            ("set -n\na", "set -n"),
            ("set -eu\na", "set -eu; a"),
            ("if [ 1 = 2 ]; then a; fi; b", "[ 1 = 2 ]; b"),
            ("if test -n ''; then a; fi", "test -n "),
            ("[ a != b ] && a", "[ a != b ]; a"),
            ("if [ \"$A\" = 2 ]; then a; fi", "[ $A = 2 ]; a"),
            ("if [ -f x ]; then a; fi", "[ -f x ]; a"),
            ("f() {\n a\n}\nb", "b"),
            ("f() { a; }\nb && f x; c", "b; a; c"),
            ("function f {\n a; { b; }\n}\nf", "a; b"),
            ("f() { f; f; }\nf", ""),
            ("(a); b", "a; b"),
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
