//! One SMTP connection: reads lines and mails from the wire, writes the answers.

use std::io;
use std::time::Duration;

use shop::draw::Draw;
use shop::serve::door::Closing;
use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite,
    AsyncWriteExt as _, BufReader,
};
use tokio::time::timeout;

use crate::mail::Mail;
use crate::mails::{Kept, Mails};

use super::session::{MAIL_LIMIT, Session, Step, TOO_LARGE};

/// How long a client may be silent; the time that RFC 5321 gives it.
const SILENCE: Duration = Duration::from_secs(300);

/// Bytes of a command line.
const LINE_LIMIT: u64 = 4096;

const GREETING: &str = "220 mailbox ESMTP\r\n";
const COME_BACK: &str = "421 4.3.2 shutting down, come back\r\n";
const TOO_MANY: &str = "421 4.3.2 too many connections, come back\r\n";
const LINE_TOO_LONG: &str = "500 5.5.2 line too long\r\n";
const GO_ON: &str = "354 go on, end with a dot alone\r\n";
const KEPT: &str = "250 2.0.0 kept\r\n";
const NOT_KEPT: &str = "451 4.3.0 could not be kept, come back\r\n";

/// Talks to one client until it quits, breaks off, or the end of connections finds it between two
/// mails.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite,
    mails: Mails,
    closing: Closing,
) -> io::Result<()> {
    let mut ending = std::pin::pin!(closing.wait());
    let (read, mut write) = tokio::io::split(stream);
    let mut read = BufReader::new(read);
    let mut session = Session::default();
    write.write_all(GREETING.as_bytes()).await?;
    loop {
        let line = tokio::select! {
            biased;
            () = &mut ending, if session.is_idle() => {
                return write.write_all(COME_BACK.as_bytes()).await;
            }
            line = line(&mut read) => line?,
        };
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => return write.write_all(LINE_TOO_LONG.as_bytes()).await,
            Line::End => return Ok(()),
        };
        match session.command(&line) {
            Step::Reply(text) => write.write_all(text.as_bytes()).await?,
            Step::Close(text) => return write.write_all(text.as_bytes()).await,
            Step::Data => {
                write.write_all(GO_ON.as_bytes()).await?;
                let raw = receive(&mut read).await?;
                let recipients = session.take_recipients();
                answer(&mut write, raw, recipients, &mails).await?;
            }
        }
    }
}

/// Tells a client that there is no place for it now.
pub(super) async fn turn_away(mut stream: impl AsyncWrite + Unpin) -> io::Result<()> {
    stream.write_all(TOO_MANY.as_bytes()).await
}

async fn answer(
    write: &mut (impl AsyncWrite + Unpin),
    raw: Option<Vec<u8>>,
    recipients: Vec<String>,
    mails: &Mails,
) -> io::Result<()> {
    let Some(raw) = raw else {
        return write.write_all(TOO_LARGE.as_bytes()).await;
    };
    let mail = Mail::read(raw, recipients);
    // What is kept says nothing that the mail did not.
    let trace = mail.trace.clone().or_drawn(&Draw::system());
    let (span, id) = (trace.span(), mail.message_id.clone());
    let text = match mails.keep(mail).await {
        Ok(kept) => {
            let repeat = kept == Kept::Repeat;
            span.in_scope(|| tracing::info!(message_id = id, repeat, "mail kept"));
            KEPT
        }
        Err(error) => {
            span.in_scope(|| tracing::error!(message_id = id, %error, "mail not kept"));
            NOT_KEPT
        }
    };
    write.write_all(text.as_bytes()).await
}

/// What was read as a command.
enum Line {
    /// With its line break.
    Whole(Vec<u8>),
    /// More than [`LINE_LIMIT`] bytes without a line break.
    TooLong,
    /// The client has hung up.
    End,
}

async fn line(read: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut limited = read.take(LINE_LIMIT);
    let length = timeout(SILENCE, limited.read_until(b'\n', &mut line)).await??;
    Ok(match line.last() {
        Some(b'\n') => Line::Whole(line),
        Some(_) if length as u64 == LINE_LIMIT => Line::TooLong,
        _ => Line::End,
    })
}

/// Reads a mail to its end, its stuffed dots taken out; `None` when it is above [`MAIL_LIMIT`].
async fn receive(read: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut receiver = DataReceiver::new();
    let mut mail = Vec::new();
    // The line break of DATA itself counts: a first line of one dot ends an empty mail.
    receiver.ingest(&mut b"\r\n".iter(), &mut mail);
    mail.clear();
    loop {
        let chunk = timeout(SILENCE, read.fill_buf()).await??;
        if chunk.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = chunk.iter();
        let ended = receiver.ingest(&mut bytes, &mut mail);
        let used = chunk.len() - bytes.as_slice().len();
        read.consume(used);
        if ended {
            return Ok((mail.len() <= MAIL_LIMIT).then_some(mail));
        }
        if mail.len() > MAIL_LIMIT {
            discard(read, DummyDataReceiver::new_data(&receiver)).await?;
            return Ok(None);
        }
    }
}

/// Reads the rest of a mail and keeps none of it, so that the dialogue can go on.
async fn discard(
    read: &mut (impl AsyncBufRead + Unpin),
    mut receiver: DummyDataReceiver,
) -> io::Result<()> {
    loop {
        let chunk = timeout(SILENCE, read.fill_buf()).await??;
        if chunk.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = chunk.iter();
        let ended = receiver.ingest(&mut bytes);
        let used = chunk.len() - bytes.as_slice().len();
        read.consume(used);
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
