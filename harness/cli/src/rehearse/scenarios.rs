//! The scenarios: each is a story that is played on machines and in the model.

mod cuts;
mod moves;
mod newcomers;
mod steps;

use std::pin::Pin;

use super::play::Play;

pub(crate) type Story = for<'a> fn(&'a Play) -> Ending<'a>;
pub(crate) type Ending<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// For a person, after "Rehearsal of".
    pub(crate) about: &'static str,
    /// What may be missing at the end.
    pub(crate) loss: Loss,
    pub(crate) play: Kind,
}

pub(crate) enum Kind {
    Story(Story),
    /// The table's rows, in order.
    Situations,
}

/// What may be missing of what was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    None,
    /// The power was cut while k3s wrote.
    OfUnsynced,
}

/// The first is the one that is rehearsed unless one is named; the last take longest.
pub(crate) static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "interruption",
        about: "a spot interruption: the node moves within its two minutes' notice",
        loss: Loss::None,
        play: Kind::Story(|play| Box::pin(moves::interruption(play))),
    },
    Scenario {
        name: "interruption-then-cut",
        about: "a spot interruption, and in the next hand-off a power cut in the middle of the release",
        loss: Loss::OfUnsynced,
        play: Kind::Story(|play| Box::pin(cuts::in_the_second_release(play))),
    },
    Scenario {
        name: "planned-move",
        about: "an instance refresh: the successor is launched first, and evicts the holder",
        loss: Loss::None,
        play: Kind::Story(|play| Box::pin(moves::planned(play))),
    },
    Scenario {
        name: "reclaim",
        about: "a reclaim without a warning: the power of the node at work is cut",
        loss: Loss::OfUnsynced,
        play: Kind::Story(|play| Box::pin(cuts::at_work(play))),
    },
    Scenario {
        name: "newcomer-dies",
        about: "a newcomer whose power fails after the holder has released: the release is taken back",
        loss: Loss::None,
        play: Kind::Story(|play| Box::pin(newcomers::dies_after_the_release(play))),
    },
    Scenario {
        name: "newcomer-not-fit",
        about: "a newcomer whose image is not fit: the holder serves on, and moves to the next one",
        loss: Loss::None,
        play: Kind::Story(|play| Box::pin(newcomers::is_not_fit(play))),
    },
    Scenario {
        name: "both-warned",
        about: "two spot interruptions: the newcomer is warned before it has taken over",
        loss: Loss::None,
        play: Kind::Story(|play| Box::pin(newcomers::is_warned_too(play))),
    },
    Scenario {
        name: "release-hangs",
        about: "a release that hangs in the kernel: the holder is ended, and the node comes back",
        loss: Loss::OfUnsynced,
        play: Kind::Story(|play| Box::pin(moves::past_a_release_that_hangs(play))),
    },
    Scenario {
        name: "cuts",
        about: "power cuts in the middle of each step of a hand-off",
        loss: Loss::OfUnsynced,
        play: Kind::Story(|play| Box::pin(cuts::in_each_step(play))),
    },
    Scenario {
        name: "situations",
        about: "what an instance can find (infra/node/situations.toml), as a whole machine shows it",
        loss: Loss::None,
        play: Kind::Situations,
    },
];
