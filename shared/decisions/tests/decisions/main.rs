//! What is decided, situation by situation and account by account: no AWS, no time, a second in all.

mod actions;
mod bounds;
mod departure;
mod ended;
mod evidence;
mod guards;
mod hooks;
mod images;
mod launch_first;
mod mistakes;
mod newcomers;
mod next_step;
mod precedence;
mod prune;
mod prune_plan;
mod prune_table;
mod publish;
mod resumed;
mod retirement;
mod silent_again;
mod situation;
mod spare;
mod steps;
mod stuck;
mod watch;
mod words;
