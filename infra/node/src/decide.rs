//! The decisions, pure: what was seen goes in, what to do comes out, with the reason in words where the answer is no.

pub mod blank;
pub mod cluster;
pub mod contents;
pub mod fitness;
pub mod fsck;
pub mod k3s;
pub mod letting_go;
pub mod marker;
pub mod mounted;
pub mod node_name;
pub mod notice;
pub mod protocol;
pub mod rescue;
pub mod serving;
pub mod taking;

/// The first so many, and how many more there are.
pub fn first(names: &[String], most: usize) -> String {
    let list = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}
