//! What of a source file is code: comments, what its strings say, and what stands in
//! `if False` are blanked.
//!
//! What comes in: a file's path, by whose ending its language is known, and its text. What leaves:
//! lines of the same number. What a line imports stays, because many languages write that as a
//! string; so does a string that is a whole argument, where the caller looks for names that are
//! sent as text, as those of headers.

mod dead;

/// Which strings count as code beside the imported ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strings {
    /// None.
    None,
    /// One that is the whole argument of a call, or an index: `get("traceparent")`.
    Arguments,
}

/// How a language writes comments and strings.
#[derive(Debug, Clone, Copy)]
struct Language {
    /// `#` begins a comment.
    hashes: bool,
    /// `//` and `/*` do.
    slashes: bool,
    /// Three quotes are one that spans lines.
    triple: bool,
    /// A quote spans lines.
    spans: bool,
    /// `'` quotes, and `` ` `` does.
    single: bool,
    backtick: bool,
}

fn language(path: &str) -> Language {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let plain = Language {
        hashes: false,
        slashes: true,
        triple: false,
        spans: false,
        single: true,
        backtick: false,
    };
    match ending.to_ascii_lowercase().as_str() {
        "py" => Language {
            hashes: true,
            slashes: false,
            triple: true,
            ..plain
        },
        "rb" | "ex" | "exs" => Language {
            hashes: true,
            slashes: false,
            triple: true,
            spans: true,
            ..plain
        },
        "php" => Language {
            hashes: true,
            spans: true,
            ..plain
        },
        "rs" => Language {
            spans: true,
            single: false,
            ..plain
        },
        "go" | "js" | "mjs" | "cjs" | "ts" | "tsx" | "jsx" | "vue" => Language {
            backtick: true,
            ..plain
        },
        "java" | "kt" | "kts" | "scala" | "cs" | "swift" | "dart" => Language {
            triple: true,
            ..plain
        },
        _ => plain,
    }
}

/// The code of a file, line by line.
#[must_use]
pub fn code(path: &str, text: &str, strings: Strings) -> String {
    let mut reader = Reader {
        rest: text,
        code: String::with_capacity(text.len()),
        language: language(path),
        strings,
        imports: false,
    };
    while reader.step() {}
    dead::without(path, reader.code)
}

struct Reader<'a> {
    rest: &'a str,
    code: String,
    language: Language,
    strings: Strings,
    /// Within the parentheses of Go's `import`.
    imports: bool,
}

impl Reader<'_> {
    /// Goes on past the next comment, string or sign; false at the end.
    fn step(&mut self) -> bool {
        let Some(next) = self.rest.chars().next() else {
            return false;
        };
        let Language {
            hashes,
            slashes,
            triple,
            spans,
            single,
            backtick,
        } = self.language;
        let at = |sign: &str| self.rest.starts_with(sign);
        if (hashes && next == '#') || (slashes && at("//")) {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.skip(end);
        } else if slashes && at("/*") {
            let end = self.rest.get(2..).and_then(|rest| rest.find("*/"));
            self.skip(end.map_or(self.rest.len(), |end| end + 4));
        } else if triple && (at("\"\"\"") || at("'''")) {
            let quote = if next == '"' { "\"\"\"" } else { "'''" };
            self.string(quote, quote, true);
        } else if let Some(quote) = self.raw() {
            self.string(
                &format!("r{quote}"),
                &quote.chars().rev().collect::<String>(),
                true,
            );
        } else if next == '"' {
            self.string("\"", "\"", spans);
        } else if next == '\'' && single {
            self.string("'", "'", spans);
        } else if next == '\'' && at("'\"'") {
            self.skip(3);
        } else if next == '`' && backtick {
            self.string("`", "`", true);
        } else {
            self.sign(next);
        }
        true
    }

    /// The quote of Rust's raw strings, which begins here.
    fn raw(&self) -> Option<String> {
        let is_rust = !self.language.single;
        let before = self.code.chars().next_back();
        let is_word = before.is_some_and(|it| it.is_alphanumeric() || it == '_');
        let rest = self
            .rest
            .strip_prefix('r')
            .filter(|_| is_rust && !is_word)?;
        let hashes = rest.chars().take_while(|it| *it == '#').count();
        rest.get(hashes..)?
            .starts_with('"')
            .then(|| format!("{}\"", "#".repeat(hashes)))
    }

    fn sign(&mut self, sign: char) {
        self.code.push(sign);
        self.rest = self.rest.get(sign.len_utf8()..).unwrap_or_default();
        if sign == '\n' || sign == ')' {
            self.imports &= sign != ')';
        } else if sign == '(' && self.line().trim() == "import (" {
            self.imports = true;
        }
    }

    /// The line so far.
    fn line(&self) -> &str {
        self.code.rsplit('\n').next().unwrap_or_default()
    }

    /// Leaves out what stands there, but for its ends of lines.
    fn skip(&mut self, length: usize) {
        let (gone, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.code.extend(gone.chars().filter(|it| *it == '\n'));
        self.rest = rest;
    }

    /// Past a string: its quotes stay, and what it says where that is code.
    fn string(&mut self, open: &str, close: &str, spans: bool) {
        let inside = self.rest.get(open.len()..).unwrap_or_default();
        let raw = open.starts_with('r');
        let mut escaped = false;
        let mut end = None;
        for (at, sign) in inside.char_indices() {
            if sign == '\n' && !spans {
                // No string at all, or one that goes on by a sign of its own.
                end = Some((at, 0));
                break;
            }
            let ends = inside.get(at..).is_some_and(|rest| rest.starts_with(close));
            if !escaped && ends {
                end = Some((at, close.len()));
                break;
            }
            escaped = !raw && sign == '\\' && !escaped;
        }
        let (length, quote) = end.unwrap_or((inside.len(), 0));
        let said = inside.get(..length).unwrap_or_default();
        let after = inside.get(length + quote..).unwrap_or_default();
        let counts = self.is_imported()
            || (self.strings == Strings::Arguments && self.is_argument(said, after));
        self.code.push_str(open);
        if counts {
            self.code.push_str(said);
        } else {
            self.code.extend(said.chars().filter(|it| *it == '\n'));
        }
        self.code
            .push_str(inside.get(length..length + quote).unwrap_or_default());
        self.rest = after;
    }

    /// Whether the string that begins here names what a file takes in.
    fn is_imported(&self) -> bool {
        let line = self.line().trim_start();
        let begins = ["import", "from ", "use ", "using ", "require", "#include"];
        let ends = ["require(", "import(", " from ", "require "];
        self.imports
            || begins.iter().any(|word| line.starts_with(word))
            || ends.iter().any(|word| line.ends_with(word))
    }

    /// Whether a string that begins here is handed over whole.
    fn is_argument(&self, said: &str, after: &str) -> bool {
        let mut before = self.line().trim_end().chars().rev();
        let is_handed = match before.next() {
            Some('(' | '[') => before
                .next()
                .is_some_and(|it| it.is_alphanumeric() || "_)]!".contains(it)),
            _ => false,
        };
        let ends = after.trim_start().starts_with([')', ']', ',']);
        is_handed && ends && !said.contains(char::is_whitespace)
    }
}

#[cfg(test)]
mod tests {
    use super::{Strings, code};

    fn of(path: &str, text: &str) -> String {
        code(path, text, Strings::None)
    }

    #[test]
    fn what_comments_and_strings_say_is_no_code() {
        let go = "package a\nvar known = []string{\"KafkaProducer\", `KafkaConsumer`}\n";
        assert_eq!(
            of("a.go", go),
            "package a\nvar known = []string{\"\", ``}\n"
        );
        let python =
            "\"\"\"\nKafkaProducer\n\"\"\"\nx = 'a\\'b' # KafkaConsumer\ny = KafkaProducer()\n";
        assert_eq!(
            of("a.py", python),
            "\"\"\"\n\n\"\"\"\nx = '' \ny = KafkaProducer()\n"
        );
        let rust = "fn a<'a>() { b('\"', r#\"x \" y\"#, \"c\\\"d\") } /* e\nf */ g();\n";
        let code = of("a.rs", rust);
        assert_eq!(code, "fn a<'a>() { b(, r#\"\"#, \"\") } \n g();\n");
    }

    #[test]
    fn what_is_imported_is_code_and_so_is_a_header_where_those_are_asked_for() {
        let go = "import (\n\t\"github.com/segmentio/kafka-go\"\n)\nvar a = \"b\"\n";
        let code_of = of("a.go", go);
        assert!(
            code_of.contains("kafka-go") && code_of.contains("var a = \"\""),
            "{code_of}"
        );
        assert!(of("a.js", "const { Kafka } = require('kafkajs')").contains("kafkajs"));
        assert!(of("a.ts", "import {\n  Kafka,\n} from \"kafkajs\";").contains("kafkajs"));
        let header = "h.get(\"traceparent\"); let known = [\"traceparent\", \"b3\"]; say(\"no traceparent here\");";
        let code = code("a.rs", header, Strings::Arguments);
        assert_eq!(code.matches("traceparent").count(), 1, "{code}");
        assert!(!of("a.rs", header).contains("traceparent"));
    }
}
