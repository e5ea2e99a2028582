//! Workflows that play themselves.

use super::*;

#[test]
fn a_workflow_that_calls_itself_is_told_at_the_step_that_does() {
    let told = problems(
        "workflows:
  - {workflowId: w, steps: [{stepId: one, workflowId: w}]}
",
    );
    assert!(
        told.contains(":6:38: ") && told.contains("by step `one`: `w` -> `w`"),
        "{told}"
    );
    let told = problems(
        "workflows:
  - {workflowId: a, steps: [{stepId: s, operationId: listMails}, {stepId: t, workflowId: b}]}
  - {workflowId: b, dependsOn: [c], steps: [{stepId: s, operationId: listMails}]}
  - {workflowId: c, steps: [{stepId: u, workflowId: a}]}
",
    );
    assert!(
        told.contains("by step `u`: `a` -> `b` -> `c` -> `a`"),
        "{told}"
    );
}
