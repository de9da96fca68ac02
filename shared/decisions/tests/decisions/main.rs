//! What is decided, situation by situation and account by account: no AWS, no time, a second in all.

mod departure;
mod next_step;
mod prune;
mod prune_plan;
mod publish;
mod situation;
mod steps;
