//! A message broker for asynchronous communication, actually used: a broker that runs, and a
//! client of it in the source that sends or reads. A client of another broker uses none of it.

use std::collections::BTreeSet;

use crate::broker::running;
use crate::client::{CLIENTS, Client, Kind};
use crate::finding::{Finding, Standing};
use crate::repository::Repository;
use crate::tree::{Hit, TextFile, is_source, is_test};

/// Where the source of the parts uses clients.
#[derive(Debug, Default)]
struct Used<'a> {
    senders: Vec<(&'a Client, Hit<'a>)>,
    readers: Vec<(&'a Client, Hit<'a>)>,
    /// What takes a client in, whatever it does with it.
    taken: Vec<(&'a Client, Hit<'a>)>,
}

impl<'a> Used<'a> {
    fn of(files: &[&'a TextFile]) -> Self {
        let mut used = Self::default();
        let lowers: Vec<String> = files.iter().map(|file| file.text.to_lowercase()).collect();
        for client in &CLIENTS {
            let both = || files.iter().zip(&lowers);
            let everywhere = both()
                .any(|(file, lower)| client.is_everywhere(&file.path) && client.is_in(file, lower));
            for (file, lower) in both() {
                let taken = client.taken(file, lower);
                used.taken.extend(taken.map(|hit| (client, hit)));
                let may_be = match client.is_everywhere(&file.path) {
                    true => everywhere,
                    false => client.is_in(file, lower),
                };
                if may_be {
                    let (sends, reads) = client.used(file, lower);
                    used.senders.extend(sends.map(|hit| (client, hit)));
                    used.readers.extend(reads.map(|hit| (client, hit)));
                }
            }
        }
        used
    }

    fn is_empty(&self) -> bool {
        self.senders.is_empty() && self.readers.is_empty()
    }

    fn speaks(&self) -> BTreeSet<Kind> {
        let all = self.senders.iter().chain(&self.readers);
        all.flat_map(|(client, _)| client.speaks).copied().collect()
    }

    /// What of it speaks to one of these.
    fn to(&self, kinds: &BTreeSet<Kind>) -> Self {
        let fits = |(client, _): &&(&Client, Hit<'_>)| {
            client.speaks.iter().any(|kind| kinds.contains(kind))
        };
        Self {
            senders: self.senders.iter().filter(fits).cloned().collect(),
            readers: self.readers.iter().filter(fits).cloned().collect(),
            taken: self.taken.iter().filter(fits).cloned().collect(),
        }
    }
}

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "message-broker",
        "A message broker carries what need not be answered at once",
    );
    let tree = &repository.tree;
    let source = |path: &str| is_source(path) && !is_test(path);
    let in_a_part = |path: &str| source(path) && repository.contexts.may_run(path);
    let files = tree.texts.iter().filter(|file| in_a_part(&file.path));
    let used = Used::of(&files.collect::<Vec<_>>());
    let brokers = running(repository, &used.speaks(), &mut finding);
    let variants = repository.compose.iter().flat_map(|it| &it.unread);
    let unread: Vec<&String> = repository.compose_problem.iter().chain(variants).collect();
    for why in &unread {
        finding.saw((*why).clone());
    }
    let others = tree.texts.iter();
    let others = others.filter(|file| source(&file.path) && !in_a_part(&file.path));
    tell_others(repository, &others.collect::<Vec<_>>(), &mut finding);
    let fitting = match brokers.is_empty() {
        true => used.to(&CLIENTS.iter().flat_map(|it| it.speaks).copied().collect()),
        false => used.to(&brokers),
    };
    let senders = each_file(fitting.senders.iter());
    let readers = each_file(fitting.readers.iter());
    for (hits, what) in [(&senders, "sends"), (&readers, "reads")] {
        for hit in hits.iter().take(3) {
            finding.saw_at(
                tree.place(&hit.file.path, hit.line),
                format!("a client {what} (`{}`)", hit.word),
            );
        }
    }
    finding.figure("brokers", brokers.len());
    finding.figure("files_that_send", senders.len());
    finding.figure("files_that_read", readers.len());
    if fitting.is_empty() && !used.is_empty() {
        let words = |kinds: BTreeSet<Kind>| kinds.into_iter().collect::<Vec<_>>().join(", ");
        finding.saw(format!(
            "the source speaks to {}, and what runs is {}",
            words(used.speaks()),
            words(brokers)
        ));
        return finding.stands(
            Standing::Partly,
            "run the broker that the source speaks to, or speak to the one that runs",
        );
    }
    if let Some((_, hit)) = fitting.taken.first().filter(|_| fitting.is_empty()) {
        let said = format!(
            "`{}` is taken in, and no call that sends or reads is seen",
            hit.word
        );
        finding.saw_at(tree.place(&hit.file.path, hit.line), said);
        return finding.stands(
            Standing::Partly,
            "the client is there: send one event through it, and read it elsewhere",
        );
    }
    let has_source = tree.paths.iter().any(|path| source(path));
    let there = (brokers.is_empty(), senders.is_empty(), readers.is_empty());
    judged(finding, there, has_source, !unread.is_empty())
}

/// Says which clients stand outside every part.
fn tell_others(repository: &Repository, files: &[&TextFile], finding: &mut Finding) {
    let others = Used::of(files);
    let hits = each_file(others.senders.iter().chain(&others.readers));
    for hit in hits.iter().take(3) {
        let said = format!(
            "`{}` stands outside every part and does not count",
            hit.word
        );
        finding.saw_at(repository.tree.place(&hit.file.path, hit.line), said);
    }
}

/// The verdict by whether there is no broker, nothing that sends, nothing that reads.
fn judged(
    mut finding: Finding,
    there: (bool, bool, bool),
    has_source: bool,
    unread: bool,
) -> Finding {
    let (standing, next) = match there {
        (false, false, false) => (
            Standing::Ready,
            "describe each message with a schema, and let consumers tell repeats apart",
        ),
        (true, true, true) if !has_source => {
            finding.saw("there is no source code to look at");
            (
                Standing::Inconclusive,
                "run this where the services' code is",
            )
        }
        (true, true, true) => {
            finding.saw(match unread {
                true => "no client of a broker in the source",
                false => "no broker in a Compose file or for Kubernetes, and no client of one in the source",
            });
            (
                Standing::NotReady,
                "name one step that need not be answered at once, and send it through a broker",
            )
        }
        (false, true, true) => {
            finding.saw("nothing in the source sends to it or reads from it");
            (
                Standing::NotReady,
                "the broker is there and unused: send one event through it, and read it elsewhere",
            )
        }
        (true, ..) if unread => (
            Standing::Inconclusive,
            "mend the Compose file, then run this again: whether a broker is there cannot be told",
        ),
        (true, ..) => (
            Standing::Partly,
            "the client is there: run its broker beside the system, in the Compose file or the cluster",
        ),
        (false, true, false) => (
            Standing::Partly,
            "somebody reads what nobody sends: wire the sender",
        ),
        (false, false, true) => (
            Standing::Partly,
            "somebody sends what nobody reads: wire a reader",
        ),
    };
    finding.stands(standing, next)
}

/// The first hit of each file.
fn each_file<'a, 'b: 'a>(
    hits: impl Iterator<Item = &'a (&'b Client, Hit<'b>)>,
) -> Vec<&'a Hit<'b>> {
    let mut seen = BTreeSet::new();
    hits.map(|(_, hit)| hit)
        .filter(|hit| seen.insert(hit.file.path.as_str()))
        .collect()
}
