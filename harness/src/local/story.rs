//! A world's story as a world file: what it began as, and what has been caused in it by hand. A world plays such a story, too.

use std::time::Duration;

use http::Method;

use super::LocalAws;
use super::by_hand::PREFIX;
use crate::iam::Caller;
use crate::seed::{DEEDS, Deed, Seed};
use crate::time::Time;
use crate::world::World;
use crate::world::history::{Entry, Fact};

impl LocalAws {
    /// Has everything happen in its time, counted from `begun`, and reports what cannot happen.
    pub async fn play(&self, story: &[Deed], begun: Time, refused: impl Fn(String)) {
        let mut story: Vec<&Deed> = story.iter().collect();
        story.sort_by(|one, other| one.after_s.total_cmp(&other.after_s));
        for Deed { after_s, does } in story {
            self.clock().wait_until(begun + Duration::from_secs_f64(*after_s)).await;
            let (path, query) = does.split_once('?').unwrap_or((does, ""));
            if let Err(refusal) = self.by_hand(&Method::POST, &format!("{PREFIX}{path}"), query).await {
                // Somebody else may have written it.
                let told = format!("{does}, {after_s} s after the beginning: {}", refusal.text);
                refused(told.replace(char::is_control, "\u{fffd}"));
            }
        }
    }
}

/// The world that began as `seed`, with what has happened by hand since `begun`.
pub(super) fn of(world: &World, seed: &Seed, begun: Time) -> Seed {
    let told = world.history().iter().filter(|entry| entry.at >= begun);
    Seed { story: told.filter_map(|entry| deed(entry, begun)).collect(), ..seed.clone() }
}

fn deed(entry: &Entry, begun: Time) -> Option<Deed> {
    let Fact::Called { caller: Caller::Operator, operation, parameters, .. } = &entry.fact else { return None };
    let name = operation.strip_prefix("durin:").filter(|name| DEEDS.contains(name))?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    for field in ["node", "state"] {
        query.extend_pairs(parameters[field].as_str().map(|value| (field, value)));
    }
    let query = query.finish();
    let does = if query.is_empty() { name.to_owned() } else { format!("{name}?{query}") };
    // To the tenth, as a timeline shows it.
    let after_s = (entry.at.since(begun).as_secs_f64() * 10.0).round() / 10.0;
    Some(Deed { after_s, does })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::NodeSeed;
    use crate::testing::settled;

    #[tokio::test(start_paused = true)]
    async fn a_story_that_is_saved_plays_again() {
        let told = [(5.0, "lose-event"), (7.5, "no-capacity?state=on"), (60.0, "interrupt?node=k3s"), (70.0, "bake")];
        let told = told.map(|(after_s, does)| Deed { after_s, does: does.to_owned() });
        let aws = LocalAws::new(settled(1, NodeSeed::default()).0, 1.0);
        let begun = aws.clock().time();
        aws.play(&told, begun, drop).await;
        let saved = aws.world(|world| of(world, &Seed::one_node(), begun));
        assert_eq!(saved.story, told);
        let file = serde_json::to_string(&saved).expect("JSON");
        assert_eq!(Seed::read(&file).expect("a world file").story, told, "{file}");
        assert!(begun + Duration::from_secs(70) <= aws.clock().time());
    }

    #[tokio::test(start_paused = true)]
    async fn every_deed_is_a_request() {
        for name in DEEDS {
            let aws = LocalAws::new(settled(1, NodeSeed::default()).0, 1.0);
            let done = aws.by_hand(&Method::POST, &format!("{PREFIX}{name}"), "").await;
            let text = done.unwrap_or_else(|refusal| refusal.text);
            assert!(!text.starts_with("there is no"), "{text}");
        }
    }
}
