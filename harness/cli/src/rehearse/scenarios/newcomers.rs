//! Newcomers that do not take over.

use std::time::Duration;

use durin_harness::world::World;
use durin_harness::world::conventions::PREPARED_DOCUMENT;
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::guest::Boot;
use durin_harness::world::ssm::InvocationStatus;

use super::moves::refresh;
use super::steps::{has_mounted, serves};
use crate::rehearse::host::Way;
use crate::rehearse::play::Play;

/// systemd masks the unit that mounts the volume, as on an image whose maker has switched it off.
const UNFIT: Way = Way { kernel_line: "systemd.mask=durin-volume.service", ..Way::USUAL };
/// The holder of the volume is watched for so long after the newcomer has said that it is not fit.
const WATCHED: Duration = Duration::from_secs(60);

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

/// The image is mended while the newcomer that is not fit waits; the next one takes over.
pub(super) async fn is_not_fit(play: &Play) -> Result<(), String> {
    let holder = play.settled().await?;
    match &play.host {
        Some(host) => host.ways().set(UNFIT),
        None => play.aws.world(|world| world.guest_ways.boot_next(Boot::Unfit, 1)),
    }
    refresh(play)?;
    let newcomer = play.newcomer(&holder).await?;
    play.sees("the newcomer says that it is not fit", |world| says_that_it_is_not_fit(world, &newcomer)).await?;
    if let Some(host) = &play.host {
        host.ways().set(Way::USUAL);
    }
    let stopped = play.aws.until(WATCHED, |world| !serves(world, &holder)).await;
    if stopped {
        return Err("the holder let go for a newcomer that is not fit".to_owned());
    }
    play.aws.world(|world| world.reclaim(&newcomer));
    play.moved(&holder).await?;
    play.let_go(&holder)
}

fn says_that_it_is_not_fit(world: &World, newcomer: &str) -> bool {
    let asked = world.ssm.commands().iter().filter(|command| command.document == PREPARED_DOCUMENT);
    asked.filter_map(|command| command.invocation(newcomer)).any(|answer| answer.status == InvocationStatus::Failed)
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
