//! Whose the node's name is: a TXT record beside the A record says so, under a name of its own.
//!
//! The tag of a group names any record that its author likes, so it proves nothing. An existing record is the node's only if
//! an instance of its group has its address, or if the claim says so, which takes the right to write in the zone. The claim
//! is written down because EC2 forgets: a node that has been at rest for days comes back to a record whose address no
//! instance has. It has a name of its own, because a TXT record under the record's name may be somebody else's.

use super::record::Record;
use crate::ids::{GroupName, RecordName};

/// What the claim of the node's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Absent,
    Ours,
    /// Another node's, or something that Durin never writes: as it stands.
    Another(String),
    /// There is none, and this run could not write it.
    Refused,
}

impl Claim {
    /// What a TXT record with these values says.
    pub fn of_values<'a>(values: impl IntoIterator<Item = &'a str>, group: &GroupName) -> Claim {
        let values: Vec<&str> = values.into_iter().collect();
        if values.contains(&claim_text(group).as_str()) { Claim::Ours } else { Claim::Another(values.join(" ")) }
    }

    /// The record, if it is the node's to move; a record of somebody else's becomes foreign.
    pub fn restrict(
        &self,
        record: Record,
        group: &GroupName,
        name: &RecordName,
        is_own: impl Fn(&str) -> bool,
    ) -> Record {
        let (claim, text) = (claim_name(name), claim_text(group));
        match (self, record) {
            (_, record @ (Record::Foreign(_) | Record::Unavailable(_))) => record,
            (Claim::Ours, record) => record,
            (Claim::Another(says), Record::Absent | Record::Simple(_)) => {
                Record::Foreign(format!("another's: the TXT record {claim} has the value {says}, and not {text}"))
            }
            (Claim::Absent | Claim::Refused, Record::Absent) => Record::Absent,
            (Claim::Absent | Claim::Refused, Record::Simple(found)) if is_own(&found.address) => Record::Simple(found),
            (Claim::Absent | Claim::Refused, Record::Simple(found)) => Record::Foreign(format!(
                "an A record with the address {}, which is no instance's of the Auto Scaling group {group}, and there is no TXT record {claim} with the value {text}, by which its owner would agree",
                found.address
            )),
        }
    }
}

/// The name of the claim of a name. The roles allow no TXT record under another.
pub fn claim_name(name: &RecordName) -> String {
    format!("_durin.{name}")
}

/// The value of the claim, as Route 53 writes it: in quotation marks, with octal codes for all that is not plain ASCII.
/// (Route 53 Developer Guide, "TXT record type".)
pub fn claim_text(group: &GroupName) -> String {
    let plain = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b'"' | b'\\');
    let escaped = group.as_str().bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("\\{byte:03o}"),
    });
    format!("\"node={}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::node::ARecord;

    fn group(name: &str) -> GroupName {
        GroupName::new(name).expect("a group")
    }

    #[rstest]
    #[case::plain("k3s", "\"node=k3s\"")]
    #[case::with_a_space("no. 2", "\"node=no. 2\"")]
    #[case::with_an_accent("é", "\"node=\\303\\251\"")]
    #[case::with_a_quotation_mark("a\"b\\", "\"node=a\\042b\\134\"")]
    fn a_claim_names_the_group(#[case] name: &str, #[case] text: &str) {
        assert_eq!(claim_text(&group(name)), text);
        assert_eq!(Claim::of_values([text], &group(name)), Claim::Ours);
    }

    #[test]
    fn a_claim_stands_below_the_name() {
        let name = RecordName::from_tag("k3s.durin.internal").expect("a name");
        assert_eq!(claim_name(&name), "_durin.k3s.durin.internal.");
    }

    #[test]
    fn a_claim_may_stand_among_others_and_in_another_case_it_is_anothers() {
        let node = group("k3s");
        assert_eq!(Claim::of_values(["\"mine\"", "\"node=k3s\""], &node), Claim::Ours);
        assert_eq!(Claim::of_values(["\"node=K3s\""], &node), Claim::Another("\"node=K3s\"".to_owned()));
        assert_eq!(Claim::of_values([], &node), Claim::Another(String::new()));
    }

    #[rstest]
    #[case::claimed_and_at_an_address_that_nobody_remembers(Claim::Ours, "192.0.2.9", true)]
    #[case::claimed_by_another_though_an_instance_is_there(Claim::Another("x".into()), "10.0.0.4", false)]
    #[case::unclaimed_and_an_instance_is_there(Claim::Absent, "10.0.0.4", true)]
    #[case::unclaimed_and_nobody_is_there(Claim::Absent, "192.0.2.9", false)]
    #[case::it_cannot_be_claimed_and_an_instance_is_there(Claim::Refused, "10.0.0.4", true)]
    #[case::it_cannot_be_claimed_and_nobody_is_there(Claim::Refused, "192.0.2.9", false)]
    fn a_standing_record_is_the_nodes_by_claim_or_by_address(
        #[case] claim: Claim,
        #[case] address: &str,
        #[case] ours: bool,
    ) {
        let name = RecordName::from_tag("k3s.durin.internal").expect("a name");
        let record = Record::Simple(ARecord { address: address.to_owned(), ttl_s: 10 });
        let seen = claim.restrict(record.clone(), &group("k3s"), &name, |address| address == "10.0.0.4");
        assert_eq!(seen == record, ours, "{seen:?}");
        assert_eq!(matches!(seen, Record::Foreign(_)), !ours);
    }

    #[test]
    fn a_name_without_a_record_is_free_unless_another_claims_it() {
        let name = RecordName::from_tag("k3s.durin.internal").expect("a name");
        let seen = |claim: Claim| claim.restrict(Record::Absent, &group("k3s"), &name, |_| true);
        assert_eq!([Claim::Absent, Claim::Ours, Claim::Refused].map(seen), [const { Record::Absent }; 3]);
        assert!(
            matches!(seen(Claim::Another("\"node=other\"".into())), Record::Foreign(what) if what.contains("other"))
        );
    }
}
