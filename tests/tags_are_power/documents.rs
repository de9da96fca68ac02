//! The functions may have things run as root on every node's instance. Someone who may only write documents may not.

use durin_harness::templates;
use durin_harness::world::ssm::Command;

use super::*;

const RELEASE: &str = "durin-release";

/// What the attacker would like to run.
fn theirs() -> String {
    let stack = include_str!("../../infra/release.yaml");
    let documents = templates::documents("infra/release.yaml", stack).expect("documents");
    let (_, content) = documents.into_iter().find(|(name, _)| name == RELEASE).expect("the release's");
    content.replace("exec ", "rm -rf / && exec ")
}

fn releases(world: &World) -> Vec<Command> {
    world.ssm.commands().iter().filter(|command| command.document == RELEASE).cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn a_document_that_somebody_changes_runs_as_it_was_deployed() {
    let story = Story::of_one_node(11);
    story.world(|world| world.put_document(RELEASE, &theirs()).expect("changed"));
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    let releases = story.world(|world| releases(world));
    assert!(!releases.is_empty(), "{}", story.told());
    assert!(releases.iter().all(|release| release.document_version == "1"), "{}", story.told());
    story.world(|world| {
        let newest = world.ssm.document(RELEASE, None).expect("a document");
        assert_eq!((newest.version, &newest.content), (2, &theirs()), "what would run without a version");
    });
}

/// Then it is version 1 that is theirs.
#[tokio::test(start_paused = true)]
async fn a_document_that_somebody_makes_anew_is_not_sent() {
    let story = Story::of_one_node(12);
    story.world(|world| {
        world.ssm.delete_document(RELEASE).expect("deleted");
        world.put_document(RELEASE, &theirs()).expect("made anew");
    });
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    assert_eq!(story.world(|world| releases(world).len()), 0, "{}", story.told());
}
