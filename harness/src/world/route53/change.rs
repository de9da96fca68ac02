//! What changes in Route 53, as the history has it.

use std::fmt;

use super::RecordChange;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route53Change {
    ZoneCreated {
        name: String,
    },
    Deleted,
    Record(RecordChange),
    /// A change has reached all name servers.
    InSync,
}

impl fmt::Display for Route53Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route53Change::ZoneCreated { name } => write!(f, "hosted zone {name}"),
            Route53Change::Deleted => f.write_str("deleted"),
            Route53Change::Record(RecordChange { action, record_set }) => {
                let values = match &record_set.alias {
                    Some(alias) => format!("alias of {}", alias.dns_name),
                    None => record_set.values.join(" "),
                };
                write!(f, "{} {} {values}", action.name(), record_set.record_type)
            }
            Route53Change::InSync => f.write_str("INSYNC"),
        }
    }
}
