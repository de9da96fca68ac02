//! Every interleaving within bounds, and not only drawn ones: the real `next_step` drives a small abstract world through all
//! the states that can be reached, breadth first.
//!
//! The world (world.rs) has three instances, one volume, one record, one group, and two functions at work at once. What it
//! does of its own accord (group.rs, guest.rs) happens in any order and as late as it likes; what goes wrong (faults.rs) is
//! counted, and bounded. A function (runs.rs) sees the world as it is (see.rs), decides, and its write (writes.rs) arrives
//! later, twice or never. Time (time.rs, overdue.rs) is a set of thresholds. invariants.rs has what must hold, fair.rs what
//! must come of each state when nothing fails any more, and turn.rs who goes ahead in it. every.rs searches, and found.rs
//! takes rules out (rules.rs) and tells the shortest history that needs them (story.rs).
//!
//! `cargo test` looks at few states; the program, at many: see ARCHITECTURE.md.

mod commands;
mod every;
mod fair;
mod faults;
#[cfg(test)]
mod found;
mod group;
mod guest;
mod invariants;
mod moves;
mod overdue;
#[cfg(test)]
mod rules;
mod runs;
mod search;
mod see;
mod story;
mod time;
mod turn;
mod world;
mod writes;

fn main() {
    every::deeper();
}
