//! Text to [`Expression`].

use super::{Access, Expression, ExpressionError, Name, Part, Pointer, Source};

const STEP_FORM: &str = "$steps.<stepId>.outputs.<name>";
const WORKFLOW_FORM: &str = "$workflows.<workflowId>.outputs.<name>";
const REQUEST_FORM: &str =
    "$request.header.<name>, $request.query.<name>, $request.path.<name> or $request.body";
const RESPONSE_FORM: &str = "$response.header.<name> or $response.body";

/// Reads one expression; `in_condition` allows `[0]` and `.name` behind it.
pub(super) fn expression(text: &str, in_condition: bool) -> Result<Expression, ExpressionError> {
    let rest = text.strip_prefix('$').unwrap_or(text);
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    let (word, rest) = rest.split_at(end);
    let (source, behind) = match word {
        "url" => (Source::Url, rest),
        "method" => (Source::Method, rest),
        "statusCode" => (Source::StatusCode, rest),
        "request" => {
            let (part, behind) = part(text, rest, in_condition, "request", REQUEST_FORM)?;
            (Source::Request(part), behind)
        }
        "response" => {
            let (part, behind) = part(text, rest, in_condition, "response", RESPONSE_FORM)?;
            (Source::Response(part), behind)
        }
        "inputs" => {
            let (name, behind) = name(text, rest, in_condition, "$inputs.<name>")?;
            (Source::Inputs(name), behind)
        }
        "outputs" => {
            let (name, behind) = name(text, rest, in_condition, "$outputs.<name>")?;
            (Source::Outputs(name), behind)
        }
        "steps" => step(text, rest, in_condition)?,
        "workflows" => workflow(text, rest, in_condition)?,
        "sourceDescriptions" => (source_description(text, rest)?, ""),
        "components" => {
            return Err(ExpressionError::Component {
                text: text.to_owned(),
            });
        }
        "self" | "message" => {
            return Err(ExpressionError::NotYet {
                text: text.to_owned(),
                word: word.to_owned(),
            });
        }
        _ => {
            return Err(ExpressionError::Unknown {
                text: text.to_owned(),
                word: word.to_owned(),
            });
        }
    };
    Ok(Expression {
        text: text.to_owned(),
        source,
        access: access(text, behind, in_condition)?,
    })
}

fn part<'a>(
    text: &str,
    rest: &'a str,
    in_condition: bool,
    side: &'static str,
    form: &'static str,
) -> Result<(Part, &'a str), ExpressionError> {
    let none = || ExpressionError::Part {
        text: text.to_owned(),
        side,
        form,
    };
    let rest = rest.strip_prefix('.').ok_or_else(none)?;
    if let Some(behind) = rest.strip_prefix("body") {
        return match behind.strip_prefix('#') {
            None => Ok((Part::Body(None), behind)),
            Some(behind) => {
                let (pointer, behind) = pointer(text, behind, in_condition)?;
                Ok((Part::Body(Some(pointer)), behind))
            }
        };
    }
    let (word, value) = rest.split_once('.').ok_or_else(none)?;
    if value.is_empty() {
        return Err(none());
    }
    match (side, word) {
        (_, "header") => Ok((Part::Header(value.to_owned()), "")),
        ("request", "query") => Ok((Part::Query(value.to_owned()), "")),
        ("request", "path") => Ok((Part::Path(value.to_owned()), "")),
        _ => Err(none()),
    }
}

fn name<'a>(
    text: &str,
    rest: &'a str,
    in_condition: bool,
    form: &'static str,
) -> Result<(Name, &'a str), ExpressionError> {
    let incomplete = || ExpressionError::Incomplete {
        text: text.to_owned(),
        form,
    };
    let rest = rest.strip_prefix('.').ok_or_else(incomplete)?;
    let end = rest
        .find(|c| c == '#' || (c == '[' && in_condition))
        .unwrap_or(rest.len());
    let (name, behind) = rest.split_at(end);
    if name.is_empty() {
        return Err(incomplete());
    }
    let (pointer, behind) = match behind.strip_prefix('#') {
        None => (None, behind),
        Some(behind) => {
            let (pointer, behind) = pointer(text, behind, in_condition)?;
            (Some(pointer), behind)
        }
    };
    let name = name.to_owned();
    Ok((Name { name, pointer }, behind))
}

fn step<'a>(
    text: &str,
    rest: &'a str,
    in_condition: bool,
) -> Result<(Source, &'a str), ExpressionError> {
    let incomplete = || ExpressionError::Incomplete {
        text: text.to_owned(),
        form: STEP_FORM,
    };
    let rest = rest.strip_prefix('.').ok_or_else(incomplete)?;
    let at = rest.find(".outputs.").filter(|at| *at > 0);
    let (step, outputs) = rest.split_at(at.ok_or_else(incomplete)?);
    let behind = outputs.strip_prefix(".outputs").unwrap_or_default();
    let (output, behind) = name(text, behind, in_condition, STEP_FORM)?;
    let step = step.to_owned();
    Ok((Source::Step { step, output }, behind))
}

fn workflow<'a>(
    text: &str,
    rest: &'a str,
    in_condition: bool,
) -> Result<(Source, &'a str), ExpressionError> {
    let incomplete = || ExpressionError::Incomplete {
        text: text.to_owned(),
        form: WORKFLOW_FORM,
    };
    let rest = rest.strip_prefix('.').ok_or_else(incomplete)?;
    let outputs = rest.find(".outputs.").filter(|at| *at > 0);
    let inputs = rest.find(".inputs.").filter(|at| *at > 0);
    let reads_input = match (outputs, inputs) {
        (Some(o), Some(i)) => i < o,
        (None, Some(_)) => true,
        _ => false,
    };
    let at = if reads_input { inputs } else { outputs };
    let (id, behind) = rest.split_at(at.ok_or_else(incomplete)?);
    let word = if reads_input { ".inputs" } else { ".outputs" };
    let behind = behind.strip_prefix(word).unwrap_or_default();
    let (found, behind) = name(text, behind, in_condition, WORKFLOW_FORM)?;
    let workflow = id.to_owned();
    let source = if reads_input {
        Source::WorkflowInput {
            workflow,
            input: found,
        }
    } else {
        Source::WorkflowOutput {
            workflow,
            output: found,
        }
    };
    Ok((source, behind))
}

fn source_description(text: &str, rest: &str) -> Result<Source, ExpressionError> {
    rest.strip_prefix('.')
        .and_then(|rest| rest.rsplit_once('.'))
        .filter(|(name, field)| !name.is_empty() && !field.is_empty())
        .map(|(name, field)| Source::Described {
            name: name.to_owned(),
            field: field.to_owned(),
        })
        .ok_or_else(|| ExpressionError::Incomplete {
            text: text.to_owned(),
            form: "$sourceDescriptions.<name>.url",
        })
}

fn pointer<'a>(
    text: &str,
    rest: &'a str,
    in_condition: bool,
) -> Result<(Pointer, &'a str), ExpressionError> {
    let end = if in_condition { rest.find('[') } else { None };
    let (written, behind) = rest.split_at(end.unwrap_or(rest.len()));
    match Pointer::parse(written) {
        Some(pointer) => Ok((pointer, behind)),
        None => Err(ExpressionError::Pointer {
            text: text.to_owned(),
            pointer: written.to_owned(),
        }),
    }
}

fn access(text: &str, mut rest: &str, in_condition: bool) -> Result<Vec<Access>, ExpressionError> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let too_long = || ExpressionError::TooLong {
            text: text.to_owned(),
            rest: rest.to_owned(),
        };
        if !in_condition {
            return Err(too_long());
        }
        if let Some(behind) = rest.strip_prefix('[') {
            let (inside, behind) = behind.split_once(']').ok_or_else(too_long)?;
            let quoted = ['\'', '"']
                .iter()
                .find_map(|q| inside.strip_prefix(*q)?.strip_suffix(*q));
            found.push(match (quoted, inside.parse()) {
                (Some(name), _) => Access::Property(name.to_owned()),
                (None, Ok(index)) => Access::Index(index),
                (None, Err(_)) => return Err(too_long()),
            });
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('.') {
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            let (name, behind) = behind.split_at(end);
            if name.is_empty() {
                return Err(too_long());
            }
            found.push(Access::Property(name.to_owned()));
            rest = behind;
        } else {
            return Err(too_long());
        }
    }
    Ok(found)
}
