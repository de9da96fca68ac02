//! Every test that needs the whole of Durin, in one binary: it is linked once, and runs its modules side by side.
//!
//! A module is named for what it tells. What several of them need is in `src/` (crate `durin_tests`).

mod calls;
mod check_node;
mod coming_back;
mod conformance;
mod deploy;
mod documents;
mod events;
mod fleet;
mod image;
mod infra_mutations;
mod interruption;
mod invoking;
mod keys;
mod least_privilege;
mod mistakes;
mod news;
mod one_driver;
mod page;
mod prove;
mod prune_bench;
mod pruning;
mod publishing;
mod replacement;
mod retirement;
mod simulation;
mod status;
mod tags_are_power;
mod twins;
mod unkind;
mod without_holder;
mod word;
