//! What runs on the instance. `durin-node` mounts the node's data volume when it arrives, lets go of it on request,
//! takes a release back, and says how it is. The functions call it through Systems Manager, the units at boot.
//!
//! Each command ends with a line of JSON, whose `answer` is one of these words. A caller may rely on these words,
//! on the exit status, and on the one line on standard error with the reason for a no. They change only with the
//! protocol's number.
//!
//! | command   | exit status 0               | 1                                     |
//! | --------- | --------------------------- | ------------------------------------- |
//! | `prepare` | prepared                    | unfit, failed                         |
//! | `volume`  | mounted, formatted          | absent, refused, failed               |
//! | `release` | released, nothing to do     | not released                          |
//! | `resume`  | resumed, nothing to do      | not resumed; with 194: reboot         |
//! | `watch`   | released, nothing to do     | not released                          |
//! | `settle`  | serves                      | does not serve                        |
//! | `status`  | status, prepared, serves    | not prepared, unfit, does not serve   |
//!
//! A `resume` that may yet come to a yes names in `obstacle` what it is kept by: `under way` or `in use`.
//!
//! A caller whose protocol is too far from ours gets the command's no, or `refused`.

pub mod answer;
pub mod commands;
pub mod decide;
pub mod machine;
pub mod world;
