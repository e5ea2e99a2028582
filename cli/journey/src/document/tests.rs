use crate::fixture::{document_of, read_text};

mod bytes;
mod circles;

/// The problems of a document, one a line.
fn problems(text: &str) -> String {
    match document_of(text) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}

/// A workflow `one` with one step that has those lines (of indent 8) beside its id.
fn step(lines: &str) -> String {
    problems(&format!(
        "workflows:
  - workflowId: one
    inputs: {{type: object, properties: {{sku: {{type: string}}}}}}
    steps:
      - stepId: a
{lines}
"
    ))
}

#[test]
fn everything_wrong_is_told_at_once_each_with_its_place() {
    let told = problems(
        "workflows:
  - workflowId: one
    step: []
    steps:
      - stepId: a
        operationId: placeOrdr
        succesCriteria: []
        parameters:
          - {name: x, in: body, value: 1}
",
    );
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "a.yaml:7:5: a workflow has no key `step` (did you mean `steps`?)",
            "a.yaml:11:9: a step has no key `succesCriteria` (did you mean `successCriteria`?)",
            "a.yaml:10:22: the source descriptions' list of operations has no `placeOrdr` \
             (did you mean `placeOrder`?)",
            "a.yaml:13:27: `in` cannot be `body` (path, query, header or cookie)",
        ]
    );
}

#[test]
fn what_the_published_schema_requires_is_required() {
    for (text, why) in [
        ("arazzo: 1.0.1", "has no `info`"),
        ("arazzo: 1.1.0", "does not read Arazzo `1.1.0`"),
        ("arazzo: 1.0", "`arazzo` must be text"),
        ("info: {}", "has no `arazzo`"),
        ("[]", "must be a mapping"),
        (
            "arazzo: 1.0.0\ninfo: {title: a, version: 1.0}",
            "`version` must be text, not a number",
        ),
        ("arazzo: 1.0.0\ninfo: {version: '1'}", "has no `title`"),
        (
            "arazzo: 1.0.0\nsourceDescriptions: []",
            "`sourceDescriptions` is empty",
        ),
        (
            "arazzo: 1.0.0\nsourceDescriptions: [{name: a b, url: api.yaml}]",
            "`a b` is no name",
        ),
        (
            "arazzo: 1.0.0\nsourceDescriptions: [{name: a, url: no.yaml}]",
            "cannot read no.yaml",
        ),
        (
            "arazzo: 1.0.0\nsourceDescriptions: [{name: a, url: 'http://x/a.yaml'}]",
            "from files only",
        ),
        (
            "arazzo: 1.0.0\nsourceDescriptions: [{name: a, url: b.yaml, type: arazzo}]",
            "of other documents",
        ),
        ("arazzo: 1.0.0\nworkflows: []", "`workflows` is empty"),
        (
            "arazzo: 1.0.0\nworkflows: [{steps: []}]",
            "has no `workflowId`",
        ),
        (
            "arazzo: 1.0.0\nworkflows: [{workflowId: a}]",
            "has no `steps`",
        ),
        (
            "arazzo: 1.0.0\nworkflows: [{workflowId: a, steps: [{}]}]",
            "has no `stepId`",
        ),
        (
            "arazzo: 1.0.0\ncomponents: {parameters: {'a b': {name: a, value: 1}}}",
            "no name of a component",
        ),
    ] {
        let told = read_text(text).unwrap_err().to_string();
        assert!(told.contains(why), "{text}:\n{told}");
    }
}

#[test]
fn a_step_calls_exactly_one_thing_and_that_exists() {
    for (lines, why) in [
        ("        description: x", "exactly one of `operationId`"),
        (
            "        operationId: listMails\n        workflowId: one",
            "exactly one of `operationId`",
        ),
        (
            "        workflowId: on",
            "has no `on` (did you mean `one`?)",
        ),
        (
            "        workflowId: $sourceDescriptions.b.x",
            "workflows of other documents",
        ),
        (
            "        operationId: $sourceDescriptions.shop.listMail",
            "did you mean `listMails`?",
        ),
        (
            "        operationId: $sourceDescriptions.shp.listMails",
            "did you mean `shop`?",
        ),
        (
            "        operationPath: '{$sourceDescriptions.shop.url}#/paths/~1mail/get'",
            "did you mean `GET /mails`?",
        ),
        ("        operationPath: /mails", "names no operation"),
        ("        operationId: getOrder", "nothing fills `{id}`"),
        (
            "        operationId: listMails\n        parameters: [{name: id, in: path, value: x}]",
            "has no `id`",
        ),
        (
            "        operationId: listMails\n        parameters: [{name: id, value: x}]",
            "must have `in`",
        ),
        (
            "        workflowId: one\n        requestBody: {payload: {}}",
            "takes no request body",
        ),
    ] {
        let told = step(lines);
        assert!(told.contains(why), "{lines}:\n{told}");
    }
    assert_eq!(
        step("        operationPath: '{$sourceDescriptions.shop.url}#/paths/~1mails/get'"),
        ""
    );
    assert_eq!(
        step("        operationId: $sourceDescriptions.shop.listMails"),
        ""
    );
}

#[test]
fn what_msvc_does_not_do_is_said_by_name() {
    for (lines, why) in [
        (
            "successCriteria: [{context: $response.body, type: xpath, condition: /a}]",
            "XPath",
        ),
        (
            "successCriteria: [{context: $response.body, condition: $.a, \
             type: {type: jsonpath, version: draft-goessner-dispatch-jsonpath-00}}]",
            "JSONPath `draft-goessner-dispatch-jsonpath-00`",
        ),
        (
            "requestBody: {contentType: application/x-www-form-urlencoded, payload: {a: 1}}",
            "form bodies",
        ),
        (
            "requestBody: {contentType: application/xml, payload: {a: 1}}",
            "as JSON only",
        ),
        (
            "requestBody: {payload: {a: 1}, replacements: [{target: //a, value: 1}, {target: a, value: 1}]}",
            "no JSON pointer",
        ),
    ] {
        let told = step(&format!("        operationId: placeOrder\n        {lines}"));
        assert!(told.contains(why), "{lines}:\n{told}");
        assert!(told.starts_with("a.yaml:"), "{told}");
    }
}

#[test]
fn expressions_name_what_is_declared_and_what_is_there_by_then() {
    for (lines, why) in [
        (
            "parameters: [{name: a, in: query, value: $inputs.sk}]",
            "has no `sk` (did you mean `sku`?)",
        ),
        (
            "parameters: [{name: a, in: query, value: $response.body#/a}]",
            "no request and no answer yet",
        ),
        (
            "parameters: [{name: a, in: query, value: 'x{$steps.b.outputs.c}'}]",
            "has no `b`",
        ),
        (
            "successCriteria: [{condition: $steps.a.outputs.x == 1}]",
            "has no `x`",
        ),
        (
            "successCriteria: [{condition: $workflows.two.outputs.x == 1}]",
            "has no `two`",
        ),
        (
            "successCriteria: [{condition: $workflows.one.outputs.x == 1}]",
            "has no `x`",
        ),
        (
            "successCriteria: [{condition: $outputs.x == 1}]",
            "has no `x`",
        ),
        (
            "successCriteria: [{condition: $statusCod == 1}]",
            "did you mean `$statusCode`?",
        ),
        (
            "successCriteria: [{condition: '$statusCode = 1'}]",
            "character 13",
        ),
        (
            "successCriteria: [{type: regex, condition: a}]",
            "must have `context`",
        ),
        (
            "successCriteria: [{context: $response.body, type: regex, condition: (}]",
            "no regular expression",
        ),
        (
            "successCriteria: [{context: $response.body, type: regx, condition: a}]",
            "did you mean `regex`?",
        ),
        ("outputs: {a b: $response.body}", "no name of an output"),
        ("outputs: {a: 1}", "`a` must be text"),
        ("outputs: {a: x}", "must be a runtime expression"),
        (
            "requestBody: {payload: {a: '{$inputs.sku'}}",
            "never closed",
        ),
    ] {
        let told = step(&format!("        operationId: placeOrder\n        {lines}"));
        assert!(told.contains(why), "{lines}:\n{told}");
    }
}

#[test]
fn actions_are_complete_and_lead_somewhere() {
    for (lines, why) in [
        (
            "onSuccess: [{name: x, type: retry}]",
            "cannot be of type `retry`",
        ),
        (
            "onSuccess: [{name: x, type: goto}]",
            "one of `stepId` and `workflowId`",
        ),
        (
            "onSuccess: [{name: x, type: goto, stepId: b}]",
            "has no `b`",
        ),
        (
            "onSuccess: [{name: x, type: goto, stepId: a, workflowId: one}]",
            "one of `stepId`",
        ),
        (
            "onSuccess: [{name: x, type: end, retryAfter: 1}]",
            "has no key `retryAfter`",
        ),
        (
            "onSuccess: [{name: x, type: end, criteria: []}]",
            "`criteria` is empty",
        ),
        ("onSuccess: [{type: end}]", "has no `name`"),
        ("onFailure: [{name: x, type: retry}]", "has no `retryAfter`"),
        (
            "onFailure: [{name: x, type: retry, retryAfter: -1}]",
            "from 0 to 86400",
        ),
        (
            "onFailure: [{name: x, type: retry, retryAfter: 1, retryLimit: 1.5}]",
            "whole number",
        ),
        (
            "onFailure: [{name: x, type: end}, {name: x, type: goto, stepId: a}]",
            "two actions are called `x`",
        ),
        (
            "onFailure: [{reference: $components.failureActions.x}]",
            "has no `x`",
        ),
        (
            "onFailure: [{reference: $components.successActions.x}]",
            "no component that fits",
        ),
    ] {
        let told = step(&format!("        operationId: placeOrder\n        {lines}"));
        assert!(told.contains(why), "{lines}:\n{told}");
    }
}

#[test]
fn workflows_and_steps_are_called_differently_and_depend_on_others_without_a_circle() {
    let told = problems(
        "workflows:
  - {workflowId: a, dependsOn: [b], steps: [{stepId: s, operationId: listMails}]}
  - {workflowId: b, dependsOn: [c], steps: [{stepId: s, operationId: listMails}]}
  - {workflowId: c, dependsOn: [a], steps: [{stepId: s, operationId: listMails}]}
",
    );
    assert!(
        told.contains(
            "workflow `a` plays itself without end, by `dependsOn`: `a` -> `b` -> `c` -> `a`"
        ),
        "{told}"
    );
    let told = problems(
        "workflows:
  - workflowId: a
    dependsOn: [x]
    steps: [{stepId: s, operationId: listMails}, {stepId: s, operationId: placeOrder}]
  - {workflowId: a, steps: [{stepId: 's t', operationId: listMails}]}
",
    );
    for part in [
        "two workflows are called `a`",
        "two steps are called `s`",
        "has no `x`",
        "`s t` is no id",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
}

#[test]
fn a_component_is_checked_though_nothing_refers_to_it_and_told_once_though_much_does() {
    let told = problems(
        "workflows:
  - workflowId: a
    steps:
      - {stepId: s, operationId: listMails, onFailure: [{reference: $components.failureActions.x}]}
      - {stepId: t, operationId: listMails, onFailure: [{reference: $components.failureActions.x}]}
components:
  failureActions: {x: {name: x, type: retry, retryAfter: soon}}
  parameters: {p: {name: p, in: nowhere, value: 1}}
",
    );
    assert_eq!(told.lines().count(), 2, "{told}");
}

#[test]
fn journeys_are_the_workflows_that_no_other_one_calls() {
    let document = document_of(
        "workflows:
  - workflowId: a
    dependsOn: [b]
    steps:
      - {stepId: s, workflowId: c}
      - {stepId: t, operationId: listMails, onFailure: [{name: x, type: goto, workflowId: d}]}
  - {workflowId: b, steps: [{stepId: s, operationId: listMails}]}
  - {workflowId: c, steps: [{stepId: s, operationId: listMails}]}
  - {workflowId: d, steps: [{stepId: s, operationId: listMails}]}
  - workflowId: e
    steps: [{stepId: s, operationId: listMails, onFailure: [{name: x, type: goto, workflowId: e}]}]
",
    )
    .unwrap();
    let ids: Vec<_> = document
        .uncalled()
        .into_iter()
        .map(|number| document.workflows[number].id.as_str())
        .collect();
    assert_eq!(ids, ["a", "e"]);
}
