//! Chance as a pure function: a draw is a hash of (seed, what draws, for what), never the next
//! number of a generator, so that a replay draws the same whatever else happened in between.

use sha2::{Digest, Sha256};

/// A number in `[0, 1)` that depends on nothing but its arguments.
///
/// `parts` are, for a fault: its id, the edge, and the exchange's stable name or number.
#[must_use]
pub fn unit(seed: u64, parts: &[&str]) -> f64 {
    // 53 bits: what an f64 holds exactly.
    (bits(seed, parts) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number in `[-1, 1)`, for jitter.
#[must_use]
pub fn signed_unit(seed: u64, parts: &[&str]) -> f64 {
    unit(seed, parts) * 2.0 - 1.0
}

/// 64 bits that depend on nothing but the arguments.
#[must_use]
pub fn bits(seed: u64, parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    for part in parts {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut first = [0_u8; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_every_part_and_on_nothing_else() {
        let a = unit(7, &["latency", "orders~payments~8080", "1"]);
        assert_eq!(
            a.to_bits(),
            unit(7, &["latency", "orders~payments~8080", "1"]).to_bits()
        );
        assert_ne!(
            a.to_bits(),
            unit(8, &["latency", "orders~payments~8080", "1"]).to_bits()
        );
        assert_ne!(bits(7, &["ab", "c"]), bits(7, &["a", "bc"]));
        assert!((0.0..1.0).contains(&a));
    }
}
