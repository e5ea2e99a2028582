//! A provider on loopback that answers as a test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use msvc_contract::verify::ProviderEntry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a provider answers, by `METHOD /path`: status and JSON body. An unknown one is a 404.
type Answers = BTreeMap<&'static str, (u16, &'static str)>;

/// A provider on loopback that keeps what it was asked.
pub(crate) struct Provider {
    pub(crate) url: String,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    pub(crate) async fn with(answers: &[(&'static str, u16, &'static str)]) -> Self {
        let answers: Answers = answers.iter().map(|(k, s, b)| (*k, (*s, *b))).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.clone(), kept.clone()));
            }
        });
        Self { url, asked }
    }

    pub(crate) fn entry(&self) -> ProviderEntry {
        ProviderEntry {
            base_url: self.url.clone(),
            states_url: Some(format!("{}/_pact/states", self.url)),
            timeout: Duration::from_secs(10),
            trust_pem: None,
            again: "msvc contract verify".to_owned(),
        }
    }

    pub(crate) fn asked(&self) -> String {
        self.asked.lock().unwrap().join("\n")
    }
}

async fn serve(mut stream: TcpStream, answers: Answers, asked: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    loop {
        let Some(head) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        let length: usize = text
            .lines()
            .find_map(|l| l.strip_prefix("content-length:"))
            .map_or(0, |l| l.trim().parse().unwrap());
        while bytes.len() < head + 4 + length {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let first = String::from_utf8_lossy(&bytes[..head])
            .lines()
            .next()
            .unwrap()
            .to_owned();
        let body = String::from_utf8_lossy(&bytes[head + 4..head + 4 + length]).into_owned();
        bytes.drain(..head + 4 + length);
        let mut words = first.split(' ');
        let method = words.next().unwrap();
        let path = words.next().unwrap().split('?').next().unwrap();
        asked.lock().unwrap().push(format!("{first} {body}"));
        if path == "/hang" {
            std::future::pending::<()>().await;
        }
        let (status, answer) = answers
            .get(format!("{method} {path}").as_str())
            .copied()
            .unwrap_or((404, r#"{"title":"not here"}"#));
        let kind = if answer.is_empty() {
            ""
        } else {
            "content-type: application/json\r\n"
        };
        let answer = format!(
            "HTTP/1.1 {status} X\r\n{kind}content-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
