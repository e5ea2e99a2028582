//! Every file of the tests that means harm or is enormous (`tests/hostile.rs`, `tests/enormous.rs`),
//! read by the release build's `config`: prints the processor time and the peak of resident memory of the
//! worst, and fails where one is above 1 s or 200 MB.
//!
//!     cargo bench --bench harm --profile dev
//!     cargo bench --bench harm --profile dev -- built    takes the release that is built
//!     cargo bench --bench harm --profile dev -- PATH     takes another msvc

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement prints and may fail loudly"
)]

mod release;

use std::process::Command;

/// Most processor time, in seconds.
const MOST_SECONDS: f64 = 1.0;

/// Most resident memory, in kB as the kernel counts it (1024 bytes): 200 MB.
const MOST_MEMORY: u64 = 195_312;

/// How many of the worst are shown.
const SHOWN: usize = 5;

/// One project that was read.
struct Read {
    seconds: f64,
    peak: u64,
    /// The line of the test that has it.
    place: String,
}

fn main() {
    let msvc = release::program();
    let told = tempfile::NamedTempFile::new().unwrap();
    let tested = Command::new(env!("CARGO"))
        .args(["test", "--locked", "--quiet"])
        .args(["--test", "hostile", "--test", "enormous"])
        .current_dir(release::root())
        .env("MSVC_TESTS_HARMED", &msvc)
        .env("MSVC_TESTS_HARM_TOLD", told.path())
        .status()
        .unwrap();
    let told = std::fs::read_to_string(told.path()).unwrap();
    let mut all: Vec<Read> = told.lines().map(read).collect();
    assert!(all.len() > 100, "{} projects were read", all.len());
    all.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    println!("{} projects; most processor time:", all.len());
    show(&all);
    all.sort_by_key(|one| std::cmp::Reverse(one.peak));
    println!("most memory:");
    show(&all);
    let above = |one: &&Read| one.seconds > MOST_SECONDS || one.peak > MOST_MEMORY;
    let above = all.iter().filter(above).count();
    println!("{above} above {MOST_SECONDS} s or 200 MB");
    assert!(tested.success() && above == 0);
}

fn read(line: &str) -> Read {
    let mut words = line.splitn(3, ' ');
    Read {
        seconds: words.next().unwrap().parse().unwrap(),
        peak: words.next().unwrap().parse().unwrap(),
        place: words.next().unwrap().to_owned(),
    }
}

fn show(all: &[Read]) {
    for one in all.iter().take(SHOWN) {
        let Read {
            seconds,
            peak,
            place,
        } = one;
        println!(
            "  {seconds:.2} s {:>4} MB  {place}",
            peak * 1024 / 1_000_000
        );
    }
}
