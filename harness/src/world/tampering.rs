//! Changes behind AWS's back: for stories that begin in a state that no call leads to, or that takes too long to reach.
//!
//! Nothing notices such a change when it is made: no history entry, no event, no reaction. Each panics when the thing
//! to change does not exist.

use super::autoscaling::{AutoScaling, Group};
use super::ec2::{Ec2, Image, Instance, Snapshot, Volume};
use super::route53::{RecordSet, Route53};

impl Ec2 {
    pub fn tamper_with_instance(&mut self, id: &str, change: impl FnOnce(&mut Instance)) {
        change(self.instances.get_mut(id).expect("an instance to tamper with"));
    }

    pub fn tamper_with_volume(&mut self, id: &str, change: impl FnOnce(&mut Volume)) {
        change(self.volumes.get_mut(id).expect("a volume to tamper with"));
    }

    pub fn tamper_with_image(&mut self, id: &str, change: impl FnOnce(&mut Image)) {
        change(self.images.get_mut(id).expect("an image to tamper with"));
    }

    pub fn tamper_with_snapshot(&mut self, id: &str, change: impl FnOnce(&mut Snapshot)) {
        change(self.snapshots.get_mut(id).expect("a snapshot to tamper with"));
    }
}

impl AutoScaling {
    pub fn tamper_with_group(&mut self, name: &str, change: impl FnOnce(&mut Group)) {
        change(self.groups.get_mut(name).expect("a group to tamper with"));
    }
}

impl Route53 {
    /// Changes the record sets of that name, of every type and in every zone.
    pub fn tamper_with_records(&mut self, name: &str, change: impl Fn(&mut RecordSet)) {
        let mut found = false;
        for set in self.zones.values_mut().flat_map(|zone| zone.record_sets.values_mut()) {
            if set.name == name {
                change(set);
                found = true;
            }
        }
        assert!(found, "no record set {name} to tamper with");
    }
}
