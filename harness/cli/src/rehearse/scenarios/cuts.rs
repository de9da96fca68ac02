//! Power cuts. EC2 takes the instance's capacity without a warning, and its machine's power is cut.

use durin_harness::world::ec2::{AttachmentState, SpotAction};

use super::steps::{has_mounted, serves};
use crate::rehearse::host::Way;
use crate::rehearse::play::Play;

/// A container that does not end when it is asked keeps a release at work for some seconds, in which the power can go.
const STUBBORN: Way = Way { kernel_line: "rehearsal.stubborn", ..Way::USUAL };

pub(super) async fn in_the_second_release(play: &Play) -> Result<(), String> {
    begin(play);
    let first = play.settled().await?;
    play.aws.world(|world| world.interrupt(&first, SpotAction::Terminate));
    let second = play.moved(&first).await?;
    cut_in_release(play, &second).await.map(drop)
}

pub(super) async fn at_work(play: &Play) -> Result<(), String> {
    let holder = play.settled().await?;
    play.aws.world(|world| world.reclaim(&holder));
    play.moved(&holder).await.map(drop)
}

pub(super) async fn in_each_step(play: &Play) -> Result<(), String> {
    begin(play);
    let holder = play.settled().await?;
    let holder = cut_in_release(play, &holder).await?;
    let holder = cut_after_release(play, &holder).await?;
    let holder = cut_newcomer(play, &holder, When::Attached).await?;
    let holder = cut_newcomer(play, &holder, When::Mounted).await?;
    cut_newcomer(play, &holder, When::Serves).await.map(drop)
}

fn begin(play: &Play) {
    if let Some(host) = &play.host {
        host.ways().set(STUBBORN);
    }
}

/// The holder has stopped k3s, and ends its containers.
async fn cut_in_release(play: &Play, holder: &str) -> Result<String, String> {
    play.aws.world(|world| world.interrupt(holder, SpotAction::Terminate));
    play.sees("the holder stops k3s", |world| !serves(world, holder)).await?;
    if play.aws.world(|world| !has_mounted(world, holder)) {
        return Err("the release was over before the power could be cut in it".to_owned());
    }
    play.aws.world(|world| world.reclaim(holder));
    play.moved(holder).await
}

/// The holder has unmounted the volume, which is still attached to it.
async fn cut_after_release(play: &Play, holder: &str) -> Result<String, String> {
    play.aws.world(|world| world.interrupt(holder, SpotAction::Terminate));
    play.sees("the holder unmounts the volume", |world| !has_mounted(world, holder)).await?;
    play.aws.world(|world| world.reclaim(holder));
    play.moved(holder).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Attached,
    Mounted,
    Serves,
}

/// The newcomer takes over, and dies on the way.
async fn cut_newcomer(play: &Play, holder: &str, when: When) -> Result<String, String> {
    play.aws.world(|world| world.interrupt(holder, SpotAction::Terminate));
    let newcomer = play.newcomer(holder).await?;
    match when {
        When::Attached => play.attachment(&newcomer, AttachmentState::Attached).await?,
        When::Mounted => play.sees("the newcomer mounts", |world| has_mounted(world, &newcomer)).await?,
        When::Serves => play.sees("the newcomer serves", |world| serves(world, &newcomer)).await?,
    }
    play.aws.world(|world| world.reclaim(&newcomer));
    let next = play.moved(&newcomer).await?;
    if next == holder { Err("the holder serves, which was to go".to_owned()) } else { Ok(next) }
}
