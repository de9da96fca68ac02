//! What happens to launches, images and events.

use serde_json::json;

use super::{Refusal, note};
use crate::seed::IMAGE_PARAMETER;
use crate::time::Time;
use crate::world::World;
use crate::world::eventbridge::{ANY_AWAITED, Disorder, DisorderKind};
use crate::world::guest::Boot;

pub(super) fn set_capacity(world: &mut World, is_away: bool) -> Result<String, Refusal> {
    let groups: Vec<_> = world.autoscaling.groups().keys().cloned().collect();
    let text = if !is_away {
        world.autoscaling.end_shortages();
        "Every launch finds capacity again.".to_owned()
    } else if groups.is_empty() {
        return Err(Refusal::not_now("there is no group that could launch anything"));
    } else {
        for group in &groups {
            world.autoscaling.fail_launches_until(group, Time(i64::MAX));
        }
        format!("No launch of {} finds capacity, until no-capacity is off.", groups.join(", "))
    };
    note(world, "no-capacity", json!({ "state": in_words(is_away) }));
    Ok(text)
}

/// Breaks the image that the parameter names now, for launches to come.
pub(super) fn set_image(world: &mut World, is_bad: bool) -> Result<String, Refusal> {
    let text = if is_bad {
        let newest = world.ssm.parameter(IMAGE_PARAMETER).and_then(|it| it.versions.last());
        let image = newest.map(|version| version.value.clone());
        let image = image.ok_or_else(|| Refusal::not_now(format!("there is no image parameter {IMAGE_PARAMETER}")))?;
        world.guest_ways.boot_image(&image, Boot::Unfit);
        format!("{image} is bad: k3s does not come up on what is launched from it, until bad-image is off.")
    } else {
        world.guest_ways.end();
        "Every image is good again, for launches to come.".to_owned()
    };
    note(world, "bad-image", json!({ "state": in_words(is_bad) }));
    Ok(text)
}

/// The next event that a rule waits for reaches nobody.
pub(super) fn lose_event(world: &mut World) -> String {
    world.events.add_disorder(Disorder { detail_type: ANY_AWAITED.to_owned(), kind: DisorderKind::Lost, times: 1 });
    note(world, "lose-event", json!({}));
    "The next event that a rule waits for is lost.".to_owned()
}

fn in_words(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
