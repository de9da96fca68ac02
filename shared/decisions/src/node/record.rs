//! The A record of a node's name, as it stands.

/// What stands under the node's name in its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Absent,
    /// One address: what Durin writes.
    Simple(ARecord),
    /// Something that Durin never writes and therefore never touches: several addresses, an alias, a routing policy.
    Foreign(String),
    /// It cannot be read, or could not be changed. The volume moves all the same.
    Unavailable(RecordProblem),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordProblem {
    NoSuchZone,
    /// The functions' roles do not name the zone.
    ZoneNotAllowed,
    /// Route 53 refuses the record for good, in these words.
    Refused(String),
    /// Route 53 has not answered, or has answered with this error.
    Unanswered(String),
}

/// A simple A record with one address, exactly as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ARecord {
    /// Kept as text: a deletion must repeat it to the letter.
    pub address: String,
    /// Seconds.
    pub ttl_s: i64,
}
