//! Ids that look like AWS's own, drawn from the world's randomness.

use super::World;

const HEX: &[u8] = b"0123456789abcdef";
const UPPER: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

impl World {
    /// `i-`, `vol-`, `lt-`, `ami-`, …: the prefix and 17 hexadecimal digits, of which EC2's first is 0.
    pub(crate) fn hex_id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{}", self.letters(HEX, 16))
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let digits = self.letters(HEX, 30);
        let variant = self.letters(b"89ab", 1);
        format!(
            "{}-{}-4{}-{variant}{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[12..15],
            &digits[15..18],
            &digits[18..]
        )
    }

    /// `Z` and upper-case letters and digits, as Route 53 names hosted zones.
    pub(crate) fn zone_id(&mut self) -> String {
        format!("Z{}", self.letters(UPPER, 20))
    }

    /// `C` and upper-case letters and digits, as Route 53 names changes.
    pub(crate) fn change_id(&mut self) -> String {
        format!("C{}", self.letters(UPPER, 20))
    }

    fn letters(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(alphabet[self.rng.usize(..alphabet.len())])).collect()
    }
}

/// Whether `id` is `prefix`, a dash and hexadecimal digits (8, or 17 since 2016).
pub(crate) fn is_hex_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')).is_some_and(|digits| {
        matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
