//! Commits, which of them can be used as evidence, and what changes together.
//!
//! Measures as in code-maat and the literature on change coupling: merges, bots, bulk commits and
//! maintenance messages are left out first, for they drown the signal.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::Contexts;
use crate::tree::is_source;

/// Below so many usable commits nothing is told from history.
pub const FEWEST: usize = 50;

/// Commits that touch more files are bulk changes (code-maat's default).
const BULK: usize = 30;

/// One commit.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Its hash.
    pub id: String,
    /// Whether it has several parents.
    pub merge: bool,
    /// When it was committed, seconds since 1970.
    pub at: i64,
    /// Its author's address, lower case.
    pub email: String,
    /// Its author's name.
    pub name: String,
    /// The first line of its message.
    pub subject: String,
    /// What it touched.
    pub files: Vec<String>,
}

/// All commits, newest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The commits.
    pub commits: Vec<Commit>,
    /// Whether the clone is shallow: the history is shorter than the project's.
    pub shallow: bool,
    /// Whether a job of GitHub's made the clone.
    pub in_github: bool,
    /// Whether older commits were left unread.
    pub cut: bool,
    /// Whether what the commits touched is not here, for the clone is a partial one.
    pub without_files: bool,
}

/// What was left out of the history, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Merges.
    pub merges: usize,
    /// By bots.
    pub bots: usize,
    /// Of more than [`BULK`] files.
    pub bulk: usize,
    /// Updates of dependencies, formatting, releases.
    pub maintenance: usize,
    /// Without a source file in any context.
    pub elsewhere: usize,
}

/// A usable commit: which source files of which contexts it touched.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// The commit.
    pub commit: &'a Commit,
    /// For each source file in a context, that context's number.
    pub contexts: Vec<usize>,
}

impl Change<'_> {
    /// The contexts, each once.
    #[must_use]
    pub fn touched(&self) -> BTreeSet<usize> {
        self.contexts.iter().copied().collect()
    }
}

/// Whether an author is a program.
#[must_use]
pub fn is_bot(commit: &Commit) -> bool {
    let name = commit.name.to_lowercase();
    let user = commit.email.split('@').next().unwrap_or_default();
    let is_called = |it: &str| {
        let ends = ["-bot", "_bot", " bot"].iter().any(|end| it.ends_with(end));
        ends || ["jenkins", "gitlab-ci", "ci", "ci-bot", "buildbot"].contains(&it)
    };
    is_called(&name)
        || is_called(user)
        || name.contains("[bot]")
        || commit.email.contains("[bot]")
        || [
            "dependabot",
            "renovate",
            "greenkeeper",
            "github-actions",
            "snyk-bot",
        ]
        .iter()
        .any(|bot| name.contains(bot) || commit.email.contains(bot))
}

fn is_maintenance(subject: &str) -> bool {
    let subject = subject.to_lowercase();
    let begins = [
        "bump ",
        "chore(deps",
        "build(deps",
        "update dependenc",
        "upgrade dependenc",
        "release ",
        "reformat",
        "run cargo fmt",
        "apply formatting",
        "prettier",
        "update copyright",
        "fix typo",
        "[maven-release-plugin]",
    ];
    begins.iter().any(|begin| subject.starts_with(begin))
}

impl History {
    /// The commits that tell something about the contexts, and how many do not.
    #[must_use]
    pub fn usable(&self, contexts: &Contexts) -> (Vec<Change<'_>>, LeftOut) {
        let mut left_out = LeftOut::default();
        let mut usable = Vec::new();
        for commit in &self.commits {
            if commit.merge {
                left_out.merges += 1;
            } else if is_bot(commit) {
                left_out.bots += 1;
            } else if commit.files.len() > BULK {
                left_out.bulk += 1;
            } else if is_maintenance(&commit.subject) {
                left_out.maintenance += 1;
            } else {
                let files = commit.files.iter().filter(|file| is_source(file));
                let touched: Vec<usize> = files.filter_map(|file| contexts.of(file)).collect();
                if touched.is_empty() {
                    left_out.elsewhere += 1;
                } else {
                    usable.push(Change {
                        commit,
                        contexts: touched,
                    });
                }
            }
        }
        (usable, left_out)
    }
}

/// How far history respects the boundaries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossing {
    /// Usable commits.
    pub commits: usize,
    /// Those of them that touch two contexts or more.
    pub across: usize,
    /// The share of commits that would cross if files fell into contexts by chance: the mean over
    /// commits of `1 - Σ p_c^k`, where `k` is the commit's files and `p_c` a context's share of all.
    pub by_chance: f64,
}

impl Crossing {
    /// Of these changes.
    #[must_use]
    pub fn of(changes: &[Change<'_>]) -> Self {
        let mut files: BTreeMap<usize, usize> = BTreeMap::new();
        for context in changes.iter().flat_map(|change| &change.contexts) {
            *files.entry(*context).or_default() += 1;
        }
        let all: usize = files.values().sum();
        let shares: Vec<f64> = files
            .values()
            .map(|n| *n as f64 / all.max(1) as f64)
            .collect();
        let chance = |change: &Change<'_>| {
            let k = i32::try_from(change.contexts.len()).unwrap_or(i32::MAX);
            1.0 - shares.iter().map(|share| share.powi(k)).sum::<f64>()
        };
        Self {
            commits: changes.len(),
            across: changes.iter().filter(|c| c.touched().len() > 1).count(),
            by_chance: changes.iter().map(chance).sum::<f64>() / changes.len().max(1) as f64,
        }
    }

    /// The share that crosses over the share that would by chance: 1 means that the boundaries
    /// carry no information, 0 that no commit crosses one. `None` where no commit touches two
    /// files, so that nothing could cross.
    #[must_use]
    pub fn lift(&self) -> Option<f64> {
        let seen = self.across as f64 / self.commits.max(1) as f64;
        (self.by_chance > 1e-9).then(|| seen / self.by_chance)
    }

    /// The 95 % interval of the lift, by Wilson's interval of the share that crosses.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        let (n, z) = (self.commits as f64, 1.96_f64);
        if self.commits == 0 || self.by_chance <= 1e-9 {
            return None;
        }
        let p = self.across as f64 / n;
        let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let lift = |share: f64| share.max(0.0) / self.by_chance;
        Some((lift(middle - half), lift(middle + half)))
    }
}

/// Two contexts that change together.
#[derive(Debug, Clone, PartialEq)]
pub struct Coupling {
    /// One.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// Commits that touch both.
    pub together: usize,
    /// Those over the mean of both contexts' commits.
    pub degree: f64,
    /// The newest commits that touch both, by hash, three at most.
    pub commits: Vec<String>,
}

/// Code-maat's default: pairs below it are noise.
pub const STRONG_DEGREE: f64 = 0.3;
/// Code-maat's default: pairs with fewer shared commits are noise.
pub const STRONG_SHARED: usize = 5;

/// Pairs of contexts that change together strongly, the strongest first.
#[must_use]
pub fn strong_pairs(changes: &[Change<'_>]) -> Vec<Coupling> {
    let mut revisions: BTreeMap<usize, usize> = BTreeMap::new();
    let mut pairs: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
    for change in changes {
        let touched: Vec<usize> = change.touched().into_iter().collect();
        for (i, a) in touched.iter().enumerate() {
            *revisions.entry(*a).or_default() += 1;
            for b in &touched[i + 1..] {
                pairs.entry((*a, *b)).or_default().push(&change.commit.id);
            }
        }
    }
    let count = |context: &usize| revisions.get(context).copied().unwrap_or_default() as f64;
    let mut strong: Vec<Coupling> = pairs
        .iter()
        .map(|((a, b), commits)| Coupling {
            a: *a,
            b: *b,
            together: commits.len(),
            degree: commits.len() as f64 / ((count(a) + count(b)) / 2.0).max(1.0),
            commits: commits
                .iter()
                .take(3)
                .map(|id| short(id).to_owned())
                .collect(),
        })
        .filter(|pair| pair.degree >= STRONG_DEGREE && pair.together >= STRONG_SHARED)
        .collect();
    strong.sort_by(|x, y| y.degree.total_cmp(&x.degree));
    strong
}

/// A hash as people write it.
#[must_use]
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
