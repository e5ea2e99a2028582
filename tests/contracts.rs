//! Contracts verified against the real provider, and against one that broke its promise.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use serde_json::json;
use support::{Runtime, System};

support::in_both! {
    every_interaction_of_the_shops_contract_holds,
    a_renamed_field_of_the_answer_is_named,
    without_its_state_handler_a_provider_fails_and_the_reason_is_said,
    nothing_selected_is_inconclusive_and_never_a_pass,
}

fn every_interaction_of_the_shops_contract_holds(runtime: Runtime) {
    let system = System::shop("contracts", "").on(runtime);
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().to_str().unwrap();
    let verify = ["contract", "verify", "--artifacts", folder];
    let done = system.run(&verify).expect(0);
    assert!(
        done.stderr
            .contains("held    orders-payments: a charge of a good card"),
        "{}",
        done.stderr
    );
    assert!(done.stdout.contains("held (9 held"), "{}", done.stdout);
    // What passed the provider's edge, line by line.
    let written = support::read(&kept.path().join("exchanges.ndjson"));
    let mut lines = 0;
    for line in written.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["schema"], "msvc.exchange/1", "{line}");
        lines += 1;
    }
    assert!(lines > 0 && written.contains("payments"), "{written}");
    let logs = kept.path().join("logs/verify-1");
    let log = std::fs::read_dir(&logs).expect("logs").flatten().next();
    assert!(log.is_some_and(|it| !support::read(&it.path()).is_empty()));
}

fn a_renamed_field_of_the_answer_is_named(runtime: Runtime) {
    // A provider that knows every state and answers every charge, with one field renamed.
    let provider = "import http.server,json,os\n\
        class P(http.server.BaseHTTPRequestHandler):\n\
        \x20   def go(self):\n\
        \x20       n=int(self.headers.get('Content-Length',0)); got=json.loads(self.rfile.read(n) or b'{}')\n\
        \x20       states=self.path.startswith('/_pact')\n\
        \x20       body={} if states else {'identifier':got.get('charge_id'),'order_id':got.get('order_id'),'status':'charged','amount':got.get('amount'),'currency':got.get('currency')}\n\
        \x20       out=json.dumps(body).encode()\n\
        \x20       self.send_response(200 if states or self.command=='GET' else 201)\n\
        \x20       self.send_header('Content-Type','application/json'); self.send_header('Content-Length',str(len(out))); self.end_headers(); self.wfile.write(out)\n\
        \x20   do_GET=do_POST=do_PUT=do_DELETE=go\n\
        \x20   def log_message(self,*a): pass\n\
        h,p=os.environ['LISTEN'].rsplit(':',1)\n\
        http.server.ThreadingHTTPServer((h,int(p)),P).serve_forever()\n";
    // In JSON's form a string is one of YAML's.
    let command = json!(["python3", "-c", provider]);
    let over = format!(
        "  payments:\n    image: \"${{TOOLS}}\"\n    build: !reset null\n    command: {command}\n    healthcheck: {{ disable: true }}\n    x-msvc:\n      process: {{ build: none, command: {command} }}\n"
    );
    let system = System::shop("renamed", &over).on(runtime);
    let done = system
        .run(&[
            "contract",
            "verify",
            "--interaction",
            "a charge of a good card",
        ])
        .expect(1);
    assert!(done.stderr.contains("FAILED"), "{}", done.stderr);
    assert!(
        done.stderr.contains("$.id") || done.stderr.contains("'id'"),
        "{}",
        done.stderr
    );
}

fn without_its_state_handler_a_provider_fails_and_the_reason_is_said(runtime: Runtime) {
    let over =
        "  payments:\n    x-msvc:\n      contract: { environment: { PROVIDER_STATES: \"off\" } }\n";
    let system = System::shop("stateless", over).on(runtime);
    let done = system.run(&["contract", "verify"]).expect(1);
    assert!(done.stderr.contains("state"), "{}", done.stderr);
    assert!(done.stderr.contains("FAILED"), "{}", done.stderr);
}

fn nothing_selected_is_inconclusive_and_never_a_pass(runtime: Runtime) {
    let system = System::shop("nothing", "").on(runtime);
    system
        .run(&["contract", "verify", "--provider", "catalog"])
        .expect(5);
}
