//! Names as Route 53 keeps and orders them.

use super::RecordKey;

impl RecordKey {
    /// The key of a record set, whose name need not be normalised.
    pub fn of(name: &str, record_type: &str, set_identifier: Option<&str>) -> RecordKey {
        RecordKey {
            reversed_labels: normalise_name(name).rsplit('.').map(str::to_owned).collect(),
            record_type: record_type.to_owned(),
            set_identifier: set_identifier.map(str::to_owned),
        }
    }
}

/// The name in lower case, with the trailing dot, and with everything but letters, digits, `-`, `_` and dots escaped
/// as three octal digits. (Route 53 Developer Guide: DNS domain name format.)
pub fn normalise_name(name: &str) -> String {
    let mut normal = String::new();
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, escaped) = match (first, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                rest = &after[3..];
                ((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), true)
            }
            (byte, _) => {
                rest = after;
                (byte, false)
            }
        };
        match byte.to_ascii_lowercase() {
            plain @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') => normal.push(char::from(plain)),
            // An escaped dot is part of a label.
            b'.' if !escaped => normal.push('.'),
            other => normal.push_str(&format!("\\{other:03o}")),
        }
    }
    if !normal.ends_with('.') {
        normal.push('.');
    }
    normal
}
