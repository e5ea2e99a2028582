//! Any text with variables in it; an escaped text must come back as it was.
//!
//! `cargo +nightly fuzz run interpolate --sanitizer none -- -max_total_time=60` from `cli/system`.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use msvc_system::address::addresses;
use msvc_system::interpolate::Interpolation;

fuzz_target!(|text: &str| {
    let environment = BTreeMap::from([
        ("A".to_owned(), "a$b".to_owned()),
        ("E".to_owned(), String::new()),
    ]);
    let mut unset = Vec::new();
    let _ = Interpolation::new(&environment).text(text, &mut unset);
    let escaped = text.replace('$', "$$");
    if escaped.len() < 1_000_000 {
        let back = Interpolation::new(&environment).text(&escaped, &mut unset);
        assert_eq!(back.as_deref(), Ok(text));
    }
    for address in addresses(text, |name| name == "a") {
        assert_eq!(&text[address.host], "a");
    }
});
