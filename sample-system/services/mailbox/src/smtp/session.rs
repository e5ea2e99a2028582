//! What one SMTP connection has said so far, and what it is answered. No bytes are moved here:
//! a command line comes in, a [`Step`] goes out.

use std::borrow::Cow;

use smtp_proto::{Error, Request};

/// Bytes that a mail may have; told to clients as SIZE. The shop's mails have some hundred.
pub(super) const MAIL_LIMIT: usize = 1024 * 1024;

/// Recipients that one mail may have.
const RECIPIENTS: usize = 100;

/// What the connection does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Answer, then read the next command.
    Reply(Cow<'static, str>),
    /// Answer 354 and read a mail.
    Data,
    /// Answer and hang up.
    Close(&'static str),
}

/// A connection's place in the dialogue.
#[derive(Debug, Default)]
pub(super) struct Session {
    greeted: bool,
    sender: bool,
    recipients: Vec<String>,
}

impl Session {
    /// Whether no mail is under way.
    pub(super) fn is_idle(&self) -> bool {
        !self.sender
    }

    /// The recipients of the mail that was just read; the next begins from nothing.
    pub(super) fn take_recipients(&mut self) -> Vec<String> {
        self.sender = false;
        std::mem::take(&mut self.recipients)
    }

    /// Answers one command line, its line break included.
    pub(super) fn command(&mut self, line: &[u8]) -> Step {
        match Request::parse(&mut line.iter()) {
            Ok(request) => self.request(request),
            Err(error) => reply(refusal(&error)),
        }
    }

    fn request(&mut self, request: Request<Cow<'_, str>>) -> Step {
        match request {
            Request::Ehlo { .. } => self.greet(format!(
                "250-mailbox\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {MAIL_LIMIT}\r\n"
            )),
            Request::Helo { .. } => self.greet("250 mailbox\r\n".to_owned()),
            Request::Mail { from } => self.mail(from.size),
            Request::Rcpt { to } => self.rcpt(&to.address),
            Request::Data if self.recipients.is_empty() => {
                reply("503 5.5.1 name a recipient first\r\n")
            }
            Request::Data => Step::Data,
            Request::Rset => {
                self.take_recipients();
                reply("250 2.0.0 forgotten\r\n")
            }
            Request::Noop { .. } => reply("250 2.0.0 nothing done\r\n"),
            Request::Vrfy { .. } => reply("252 2.5.0 send it and see\r\n"),
            Request::Help { .. } => reply("214 2.0.0 EHLO MAIL RCPT DATA RSET NOOP QUIT\r\n"),
            Request::Quit => Step::Close("221 2.0.0 good bye\r\n"),
            // What follows would be no command: there is no way to go on.
            Request::Bdat { .. } => Step::Close("502 5.5.1 BDAT is not offered\r\n"),
            _ => reply("502 5.5.1 not offered\r\n"),
        }
    }

    fn greet(&mut self, answer: String) -> Step {
        self.take_recipients();
        self.greeted = true;
        Step::Reply(answer.into())
    }

    fn mail(&mut self, size: usize) -> Step {
        if !self.greeted {
            return reply("503 5.5.1 say EHLO first\r\n");
        }
        if self.sender {
            return reply("503 5.5.1 one mail after the other\r\n");
        }
        if size > MAIL_LIMIT {
            return reply(TOO_LARGE);
        }
        self.sender = true;
        reply("250 2.1.0 sender taken\r\n")
    }

    fn rcpt(&mut self, address: &str) -> Step {
        if !self.sender {
            return reply("503 5.5.1 name a sender first\r\n");
        }
        if self.recipients.len() == RECIPIENTS {
            return reply("452 4.5.3 too many recipients\r\n");
        }
        if !address.contains('@') {
            return reply("553 5.1.3 no address: it has no @\r\n");
        }
        self.recipients.push(address.to_owned());
        reply("250 2.1.5 recipient taken\r\n")
    }
}

/// The answer to a mail above [`MAIL_LIMIT`].
pub(super) const TOO_LARGE: &str = "552 5.3.4 a mail may have 1 MiB\r\n";

fn reply(text: &'static str) -> Step {
    Step::Reply(Cow::Borrowed(text))
}

fn refusal(error: &Error) -> &'static str {
    match error {
        Error::UnknownCommand => "500 5.5.2 no such command\r\n",
        Error::InvalidSenderAddress => "553 5.1.7 no address\r\n",
        Error::InvalidRecipientAddress => "553 5.1.3 no address\r\n",
        Error::UnsupportedParameter { .. } => "555 5.5.4 no such parameter\r\n",
        Error::SyntaxError { .. } | Error::InvalidParameter { .. } => "501 5.5.4 malformed\r\n",
        Error::NeedsMoreData { .. } | Error::ResponseTooLong | Error::InvalidResponse { .. } => {
            "500 5.5.2 malformed\r\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(lines: &[&str]) -> String {
        let mut session = Session::default();
        let steps =
            lines.iter().map(
                |line| match session.command(format!("{line}\r\n").as_bytes()) {
                    Step::Reply(text) => text[..3].to_owned(),
                    Step::Data => "354".to_owned(),
                    Step::Close(text) => format!("{} closed", &text[..3]),
                },
            );
        steps.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_dialogue_in_order_leads_to_data() {
        let lines = [
            "EHLO me",
            "MAIL FROM:<a@b.c> SIZE=10",
            "RCPT TO:<d@e.f>",
            "DATA",
        ];
        assert_eq!(codes(&lines), "250, 250, 250, 354");
    }

    #[test]
    fn a_dialogue_out_of_order_is_told_so() {
        let lines = [
            "MAIL FROM:<a@b.c>",
            "HELO me",
            "RCPT TO:<d@e.f>",
            "DATA",
            "MAIL FROM:<>",
            "DATA",
            "MAIL FROM:<a@b.c>",
        ];
        assert_eq!(codes(&lines), "503, 250, 503, 503, 250, 503, 503");
    }

    #[test]
    fn what_is_no_command_or_not_offered_is_refused() {
        let lines = [
            "",
            "FROB",
            "EHLO me",
            "AUTH PLAIN",
            "STARTTLS",
            "RCPT TO:d@e.f",
            "\u{e9}",
            "MAIL FROM:<a@b.c> SIZE=1048577",
            "NOOP",
            "BDAT 10 LAST",
        ];
        let answers = codes(&lines);
        assert_eq!(
            answers,
            "500, 500, 250, 502, 502, 501, 500, 552, 250, 502 closed"
        );
    }

    #[test]
    fn a_reset_forgets_the_mail_under_way() {
        let lines = [
            "EHLO me",
            "MAIL FROM:<a@b.c>",
            "RCPT TO:<d@e.f>",
            "RSET",
            "DATA",
            "QUIT",
        ];
        assert_eq!(codes(&lines), "250, 250, 250, 250, 503, 221 closed");
    }
}
