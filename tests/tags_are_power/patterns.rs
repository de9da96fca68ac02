//! Names in which EC2 sees a pattern: a group that is called `k?s` has no part in the group `k3s`.

use super::*;

/// The attacker's group, whose name is a pattern for the other's in a filter of EC2.
const PATTERN: &str = "k?s";

fn seed() -> Seed {
    let mut seed = two_nodes();
    PATTERN.clone_into(&mut seed.nodes[1].name);
    seed
}

fn tag(world: &mut World, key: &str, value: &str) {
    let tag = GroupTag { key: key.to_owned(), value: value.to_owned(), propagate_at_launch: true };
    world.create_or_update_tags(vec![(PATTERN.to_owned(), tag)]).expect("tagged");
}

/// The attacker's own instance, which EC2 interrupts.
fn interrupt_theirs(story: &Story) {
    story.world(|world| {
        let instance = world.autoscaling.groups()[PATTERN].members[0].instance_id.clone();
        world.interrupt(&instance, SpotAction::Terminate);
    });
}

/// An unclaimed record with the address of the other node's instance would be the node's if that were its instance.
#[tokio::test(start_paused = true)]
async fn a_pattern_for_another_groups_name_gets_no_record() {
    let story = Story::of(&seed());
    let zone = story.node().zone_id.clone();
    let address = story.record().expect("a record").remove(0);
    story.world(|world| {
        let record_set = RecordSet::simple("bank.durin.internal", "A", 10, &address);
        let change = RecordChange { action: ChangeAction::Create, record_set };
        world.change_resource_record_sets(&zone, vec![change], None).expect("written");
        tag(world, "durin:record-name", "bank.durin.internal");
    });
    interrupt_theirs(&story);
    story.aws().pass(HEALS_WITHIN).await;
    let stands = story.world(|world| {
        let found = world.route53.zones()[&zone].record_set("bank.durin.internal.", "A");
        found.map(|set| set.values.clone())
    });
    assert_eq!(stands, Some(vec![address]), "{}", story.told());
}
