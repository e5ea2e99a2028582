//! The grammar of `simple` conditions: comparisons of literals and runtime expressions, joined by
//! `&&` and `||`, negated by `!`, grouped by parentheses.
//!
//! `or = and *("||" and)`, `and = not *("&&" not)`, `not = *"!" atom`,
//! `atom = "(" or ")" / "{" or "}" / operand [operator operand]`. Braces group because Arazzo's
//! own examples write `{$statusCode == 401}`.

use serde_json::{Number, Value};

use super::CriterionError;
use crate::expression::Expression;

/// Levels of grouping and negation that a condition may have.
const MAX_DEPTH: usize = 64;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Or(Vec<Condition>),
    And(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Operand, Operator, Operand),
    /// An expression alone, which has to be true or false.
    Truth(Expression),
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Literal(Value),
    Expression(Expression),
}

/// How two operands are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    pub(super) fn expressions(&self) -> Vec<&Expression> {
        let of = |operand| match operand {
            &Operand::Literal(_) => None,
            Operand::Expression(expression) => Some(expression),
        };
        match self {
            Self::Or(all) | Self::And(all) => all.iter().flat_map(Self::expressions).collect(),
            Self::Not(inner) => inner.expressions(),
            Self::Compare(left, _, right) => [left, right].into_iter().filter_map(of).collect(),
            Self::Truth(expression) => vec![expression],
        }
    }
}

/// Reads a whole condition.
pub(super) fn parse(text: &str) -> Result<Condition, CriterionError> {
    let mut parser = Parser { text, at: 0 };
    let condition = parser.or(0)?;
    parser.skip_space();
    if parser.rest().is_empty() {
        Ok(condition)
    } else {
        Err(parser.error("an operator or the end is expected here"))
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset, always at a character's beginning.
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes `token` if it comes next.
    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        let next = self.rest().starts_with(token);
        if next {
            self.at += token.len();
        }
        next
    }

    fn error(&self, why: impl Into<String>) -> CriterionError {
        let before = self.text.get(..self.at).unwrap_or_default();
        CriterionError::Simple {
            at: before.chars().count() + 1,
            why: why.into(),
        }
    }

    fn or(&mut self, depth: usize) -> Result<Condition, CriterionError> {
        let mut all = vec![self.and(depth)?];
        while self.take("||") {
            all.push(self.and(depth)?);
        }
        Ok(one_or(all, Condition::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Condition, CriterionError> {
        let mut all = vec![self.not(depth)?];
        while self.take("&&") {
            all.push(self.not(depth)?);
        }
        Ok(one_or(all, Condition::And))
    }

    fn not(&mut self, depth: usize) -> Result<Condition, CriterionError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("more than {MAX_DEPTH} levels of grouping")));
        }
        self.skip_space();
        if self.rest().starts_with('!') && !self.rest().starts_with("!=") {
            self.at += 1;
            return Ok(Condition::Not(Box::new(self.not(depth + 1)?)));
        }
        for (open, close) in [("(", ")"), ("{", "}")] {
            if self.take(open) {
                if let Some(compared) = self.compared_group(close)? {
                    return Ok(compared);
                }
                let inner = self.or(depth + 1)?;
                if !self.take(close) {
                    return Err(self.error(format!("`{close}` is missing")));
                }
                return self.after_group(open, inner);
            }
        }
        let at = self.at;
        let left = self.operand()?;
        match (self.operator()?, left) {
            (None, left) => self.alone(at, left),
            (Some(operator), left) => Ok(Condition::Compare(left, operator, self.operand()?)),
        }
    }

    /// `{$statusCode} == 200` and `($statusCode) == 200`: a group of one operand is that operand.
    /// `None`, and nothing read, when the group is something else.
    fn compared_group(&mut self, close: &str) -> Result<Option<Condition>, CriterionError> {
        let at = self.at;
        if let Ok(left) = self.operand()
            && self.take(close)
            && let Some(operator) = self.operator()?
        {
            return Ok(Some(Condition::Compare(left, operator, self.operand()?)));
        }
        self.at = at;
        Ok(None)
    }

    /// A group that is a condition of its own.
    fn after_group(&mut self, open: &str, inner: Condition) -> Result<Condition, CriterionError> {
        let at = self.at;
        if self.operator()?.is_none() {
            return Ok(inner);
        }
        self.at = at;
        Err(self.error(format!(
            "what stands in `{open}` is a condition and cannot be compared"
        )))
    }

    /// An operand that is compared with nothing, at `at`: only an expression that may be true or
    /// false is a condition. Any other would hold whatever is answered.
    fn alone(&mut self, at: usize, operand: Operand) -> Result<Condition, CriterionError> {
        let what = match operand {
            Operand::Expression(expression) => match expression.never_boolean() {
                None => return Ok(Condition::Truth(expression)),
                Some(example) => format!(
                    "`{expression}` alone is neither true nor false: compare it, as in \
                     `{expression} == {example}`"
                ),
            },
            Operand::Literal(Value::Number(number)) => format!(
                "`{number}` alone is neither true nor false: compare it, as in \
                 `$statusCode == {number}`"
            ),
            Operand::Literal(value) => format!(
                "`{value}` alone compares nothing: compare an expression with it, as in \
                 `$response.body#/name == {}`",
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), |text| format!("'{text}'")),
            ),
        };
        self.at = at;
        self.skip_space();
        Err(self.error(what))
    }

    fn operator(&mut self) -> Result<Option<Operator>, CriterionError> {
        self.skip_space();
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        for (text, operator) in operators {
            if self.take(text) {
                return Ok(Some(operator));
            }
        }
        if self.rest().starts_with('=') {
            return Err(self.error("`=` is no operator; write `==`"));
        }
        Ok(None)
    }

    fn operand(&mut self) -> Result<Operand, CriterionError> {
        self.skip_space();
        for (open, close) in [('{', '}'), ('(', ')')] {
            if self.rest().starts_with(open) {
                self.at += open.len_utf8();
                let operand = self.plain_operand()?;
                if !self.take(close.encode_utf8(&mut [0; 4])) {
                    return Err(self.error(format!("`{close}` is missing")));
                }
                return Ok(operand);
            }
        }
        self.plain_operand()
    }

    fn plain_operand(&mut self) -> Result<Operand, CriterionError> {
        self.skip_space();
        let rest = self.rest();
        match rest.chars().next() {
            None => Err(self.error("a value is missing")),
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            Some('$') => {
                let length = expression_length(rest);
                let text = rest.get(..length).unwrap_or_default();
                let expression = Expression::parse_in_condition(text)?;
                self.at += length;
                Ok(Operand::Expression(expression))
            }
            Some(_) => self.word(),
        }
    }

    /// A string; its own quote is written twice inside it.
    fn quoted(&mut self, quote: char) -> Result<Operand, CriterionError> {
        let mut string = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c != quote {
                string.push(c);
            } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
                string.push(quote);
                chars.next();
            } else {
                self.at += at + quote.len_utf8();
                return Ok(Operand::Literal(Value::String(string)));
            }
        }
        Err(self.error(format!("the string is never closed by {quote}")))
    }

    /// `true`, `false`, `null` or a number.
    fn word(&mut self) -> Result<Operand, CriterionError> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| c.is_whitespace() || "()=!<>&|{}'\"".contains(c))
            .unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let literal = match word {
            "" => return Err(self.error("a value is expected here")),
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => match word.parse::<Number>() {
                Ok(number) => Value::Number(number),
                Err(_) => {
                    return Err(self.error(format!(
                        "`{word}` is no value: write '{word}' for a text, `$…` for an expression"
                    )));
                }
            },
        };
        self.at += length;
        Ok(Operand::Literal(literal))
    }
}

/// How many bytes of `text` belong to the expression that it begins with: up to white space, an
/// operator or a closing brace; what stands in `[ ]` belongs to it.
fn expression_length(text: &str) -> usize {
    let mut inside = false;
    for (at, c) in text.char_indices() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => {}
            _ if c.is_whitespace() || "()=!<>&|{}".contains(c) => return at,
            _ => {}
        }
    }
    text.len()
}

fn one_or(mut all: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            all.push(last);
            join(all)
        }
        (None, _) => join(all),
    }
}
