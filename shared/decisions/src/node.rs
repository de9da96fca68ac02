//! A node: what Durin sees of it, and the one next step.

mod claim;
mod ended;
mod hooks;
mod next_step;
mod observed;
mod record;
mod resumed;
mod standstill;
mod step;
mod word;

pub use claim::{Claim, claim_name, claim_text};
pub use ended::{LONGEST_ANSWER, LONGEST_RELEASE, LONGEST_RESUME, command_ended};
pub use hooks::{Hook, HookFlaw, HookProblem, hook_problem};
pub use next_step::{
    LONGEST_PERIOD, Precedence, RELEASE_TIMEOUT, RUN_LASTS, boots_matter, has_successor, hindrance, if_unmarked,
    is_news, is_warned, launch_has_company, least_heartbeat, next_step, precedence, release_due, release_matters,
    retires, urgent_from, warning_has_company, word_matters,
};
pub use observed::{
    Agents, Attachment, AttachmentState, DEVICE, Group, Instance, InstanceState, KeyProblem, Lifecycle, Observed,
    Release, ReleaseState, Stop, UnusableKey, Volume, VolumeState, lacks_holder,
};
pub use record::{ARecord, Record, RecordProblem};
pub use resumed::{Resume, Resumed, resume_state};
pub use standstill::Standstill;
pub use step::{ActionResult, Blocked, Done, Number, Step, WaitFor};
pub use word::{Question, Word, Words};
