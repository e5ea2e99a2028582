use proptest::prelude::*;

use crate::fixture::read_text;

#[test]
fn no_bytes_make_the_reader_panic() {
    let pieces = prop::sample::select(vec![
        "arazzo: 1.0.1\n",
        "info: {title: a, version: '1'}\n",
        "workflows:\n",
        "- ",
        "  ",
        "steps:\n",
        "stepId: a\n",
        "workflowId: a\n",
        "operationId: listMails\n",
        "onFailure: ",
        "[",
        "]",
        "{",
        "}",
        "type: retry",
        ", ",
        "retryAfter: 1",
        "inputs: ",
        "$ref: '#/components/inputs/a'\n",
        "components: ",
        "reference: $components.parameters.a",
        "dependsOn: [a]\n",
        "null\n",
        "- 1\n",
        "sourceDescriptions: [{name: shop, url: api.yaml}]\n",
        "outputs: {a: $inputs.x}\n",
        "\n",
    ]);
    let text = prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat());
    proptest!(|(text in prop_oneof![any::<String>(), text])| {
        let _ = read_text(&text);
    });
}
