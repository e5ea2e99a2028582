//! Asks the engine's resolver which containers are there. An address that nobody has any more is
//! not refused but lost in silence, for seconds; a name is gone at once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use msvc_machine::clock::Clock;
use msvc_mesh::Mesh;
use tokio::net::UdpSocket;

/// The engine's resolver, in every container on a network that was made by somebody.
const RESOLVER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 11), 53);
/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(100);
/// Who does not answer for so long says nothing in this round.
const PATIENCE: Duration = Duration::from_millis(500);

/// Tells the mesh of every name that was known and is so no more. Never returns.
pub(super) async fn watch(
    mesh: Mesh,
    clock: Arc<dyn Clock>,
    names: impl Fn() -> BTreeSet<String> + Send,
) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    loop {
        let names = names();
        let said = tokio::select! {
            said = ask(&names) => said.unwrap_or_default(),
            () = clock.sleep(PATIENCE) => BTreeMap::new(),
        };
        for (name, is_there) in said {
            if is_there {
                known.insert(name);
            } else if known.remove(&name) {
                mesh.lost(&name);
            }
        }
        known.retain(|name| names.contains(name));
        clock.sleep(PAUSE).await;
    }
}

/// Whether each name is known.
async fn ask(names: &BTreeSet<String>) -> io::Result<BTreeMap<String, bool>> {
    let socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))).await?;
    socket.connect(SocketAddr::from(RESOLVER)).await?;
    let mut asked = BTreeMap::new();
    for (number, name) in names.iter().enumerate() {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        if let Some(question) = question(number, name) {
            socket.send(&question).await?;
            asked.insert(number, name.clone());
        }
    }
    let mut said = BTreeMap::new();
    let mut buffer = [0; 1500];
    while !asked.is_empty() {
        let length = socket.recv(&mut buffer).await?;
        let Some((number, is_there)) = answer(buffer.get(..length).unwrap_or_default()) else {
            continue;
        };
        if let Some(name) = asked.remove(&number)
            && let Some(is_there) = is_there
        {
            said.insert(name, is_there);
        }
    }
    Ok(said)
}

/// A question for a name's IPv4 addresses (RFC 1035); none for what is no name.
fn question(number: u16, name: &str) -> Option<Vec<u8>> {
    let mut question = Vec::with_capacity(name.len() + 18);
    question.extend(number.to_be_bytes());
    // Recursion desired, one question.
    question.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok();
        question.push(length.filter(|length| (1..64).contains(length))?);
        question.extend(label.as_bytes());
    }
    // The root, an address, of the internet.
    question.extend([0, 0, 1, 0, 1]);
    Some(question)
}

/// Which question this answers, and whether the name is there; neither, when the resolver could
/// not tell.
fn answer(message: &[u8]) -> Option<(u16, Option<bool>)> {
    let word = |at: usize| {
        let bytes = message.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    };
    let (number, flags, answers) = (word(0)?, word(2)?, word(6)?);
    let is_answer = flags & 0x8000 != 0;
    let is_there = match flags & 0xf {
        0 => Some(answers > 0),
        // No such name.
        3 => Some(false),
        _ => None,
    };
    is_answer.then_some((number, is_there))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_spells_the_name_by_its_labels() {
        let asked = question(7, "shop-web-1.net").unwrap();
        assert_eq!(asked[..2], [0, 7]);
        assert_eq!(&asked[12..], b"\x0ashop-web-1\x03net\x00\x00\x01\x00\x01");
        assert_eq!(question(7, "a..b"), None);
        assert_eq!(question(7, &"x".repeat(64)), None);
    }

    #[test]
    fn an_answer_says_there_not_there_or_nothing() {
        let said = |flags: u16, answers: u8| {
            let [high, low] = flags.to_be_bytes();
            answer(&[0, 9, high, low, 0, 1, 0, answers, 0, 0, 0, 0])
        };
        assert_eq!(said(0x8180, 2), Some((9, Some(true))));
        assert_eq!(said(0x8180, 0), Some((9, Some(false))));
        assert_eq!(said(0x8183, 0), Some((9, Some(false))));
        assert_eq!(said(0x8182, 0), Some((9, None)), "it could not");
        assert_eq!(said(0x0100, 0), None, "a question");
        assert_eq!(answer(&[0, 9]), None);
    }
}
