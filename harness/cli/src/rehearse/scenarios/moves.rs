//! The node moves.

use std::time::Duration;

use durin_harness::world::autoscaling::StartInstanceRefresh;
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::guest::AgentMode;

use crate::rehearse::play::Play;

pub(super) async fn interruption(play: &Play) -> Result<(), String> {
    let holder = play.settled().await?;
    play.aws.world(|world| world.interrupt(&holder, SpotAction::Terminate));
    play.moved(&holder).await?;
    play.let_go(&holder)
}

pub(super) async fn planned(play: &Play) -> Result<(), String> {
    let holder = play.settled().await?;
    refresh(play)?;
    play.moved(&holder).await?;
    play.let_go(&holder)
}

/// The file system is frozen, so that no sync and no unmount ends.
pub(super) async fn past_a_release_that_hangs(play: &Play) -> Result<(), String> {
    let holder = play.settled().await?;
    match play.host.as_ref().and_then(|host| host.machine(&holder)) {
        Some(machine) => {
            let ran = machine.shell("fsfreeze --freeze /data", Duration::from_secs(30))?;
            if ran.status != 0 {
                return Err(format!("the file system cannot be frozen: {}", ran.error));
            }
        }
        None => play.aws.world(|world| world.set_agent_mode(&holder, AgentMode::Hanging)),
    }
    refresh(play)?;
    play.moved(&holder).await.map(drop)
}

/// The group launches the successor first.
pub(super) fn refresh(play: &Play) -> Result<(), String> {
    let group = play.node.group.clone();
    let request = StartInstanceRefresh { group, min_healthy: Some(100), max_healthy: Some(110), ..Default::default() };
    play.aws.world(|world| world.start_instance_refresh(request).map(drop)).map_err(|error| error.to_string())
}
