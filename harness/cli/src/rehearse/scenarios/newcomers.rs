//! Newcomers that do not take over.

use durin_harness::world::ec2::SpotAction;

use super::moves::refresh;
use super::steps::has_mounted;
use crate::rehearse::play::Play;

/// There is no deadline, so that the holder is asked to serve again.
pub(super) async fn dies_after_the_release(play: &Play) -> Result<(), String> {
    let holder = play.settled().await?;
    refresh(play)?;
    let newcomer = play.newcomer(&holder).await?;
    play.sees("the holder lets go", |world| !has_mounted(world, &holder)).await?;
    play.aws.world(|world| world.reclaim(&newcomer));
    play.sees("the holder serves again, or another one", |world| world.serving(&play.node.volume).is_some()).await?;
    play.moved(&newcomer).await.map(drop)
}

pub(super) async fn is_warned_too(play: &Play) -> Result<(), String> {
    let holder = play.settled().await?;
    play.aws.world(|world| world.interrupt(&holder, SpotAction::Terminate));
    let is_other = |id: &str| id != holder;
    play.sees("a newcomer is launched", |world| world.ec2.instances().keys().any(|id| is_other(id))).await?;
    let newcomer = play.aws.world(|world| world.ec2.instances().keys().find(|id| is_other(id)).cloned());
    let newcomer = newcomer.ok_or("the newcomer is gone")?;
    play.aws.world(|world| world.interrupt(&newcomer, SpotAction::Terminate));
    play.sees("both are gone", |world| {
        world.serving(&play.node.volume).is_some_and(|id| id != holder && id != newcomer)
    })
    .await?;
    play.moved(&newcomer).await.map(drop)
}
