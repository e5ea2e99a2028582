//! What strangers send: whatever it is, it is answered in order and breaks nothing.

use outside::{each, query, send_each, text};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;

/// A line as a client of SMTP may say it, or not.
fn said() -> impl Strategy<Value = String> {
    let verb = prop::sample::select(vec![
        "EHLO",
        "HELO",
        "MAIL FROM:",
        "RCPT TO:",
        "DATA",
        "RSET",
        "NOOP",
        "VRFY",
        "BDAT",
        "AUTH",
        "STARTTLS",
        "HELP",
        "",
        "\u{e9}",
    ]);
    prop_oneof![
        (verb, text()).prop_map(|(verb, rest)| format!("{verb} {rest}")),
        "MAIL FROM:<[!-~]{0,20}>( SIZE=[0-9]{0,25})?",
        "RCPT TO:<[!-~]{0,20}>",
        text(),
    ]
}

#[test]
fn no_line_makes_the_dialogue_panic_and_each_answer_is_one_of_smtp() {
    each(400, prop::collection::vec(said(), 1..20), |lines| {
        let mut session = Session::default();
        for line in lines {
            let answer = match session.command(format!("{line}\r\n").as_bytes()) {
                Step::Reply(text) => text.into_owned(),
                Step::Close(text) => text.to_owned(),
                Step::Data => {
                    assert!(!session.take_recipients().is_empty());
                    continue;
                }
            };
            let code: u16 = answer[..3].parse().unwrap();
            assert!((200..600).contains(&code), "{line:?}: {answer}");
            assert!(
                answer.len() <= 200 && answer.ends_with("\r\n"),
                "{line:?}: {answer}"
            );
        }
    });
}

#[test]
fn no_bytes_make_the_reader_of_mails_panic_and_none_is_above_the_limit() {
    let runtime = Runtime::new().unwrap();
    let chunks = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..400),
        text().prop_map(String::into_bytes),
        Just(b"\r\n..\r\n.\r".to_vec()),
        Just(vec![b'x'; 700_000]),
    ];
    each(200, prop::collection::vec(chunks, 0..4), |chunks| {
        let bytes = [chunks.concat(), b"\r\n.\r\n".to_vec()].concat();
        let received = runtime.block_on(receive(&mut bytes.as_slice()));
        if let Some(raw) = received.unwrap() {
            assert!(raw.len() <= MAIL_LIMIT);
            let mail = Mail::read(raw, vec!["ada@shop.example".to_owned()]);
            assert!(!mail.message_id.is_empty());
        }
    });
}

#[test]
fn no_query_is_answered_out_of_order() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let running = runtime.block_on(start(&folder));
    let now = Clock::system().now().timestamp();
    let token = signer()
        .token(Uuid::nil(), Role::Operator, now, 600)
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (path, names) in [
        ("/mails", &["to", "kind", "order_id"][..]),
        ("/audit/mails", &["after", "limit"][..]),
    ] {
        send_each(&runtime, 120, query(names), |query| {
            let url = format!("http://{}{path}?{query}", running.http);
            client.get(url).bearer_auth(&token)
        });
    }
}
