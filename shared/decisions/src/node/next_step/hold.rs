//! Holding an instance that its group ends: without a successor it is kept serving, but not for as long as its terminate
//! hook waits.
//!
//! AWS does not say when the hook's action began. So the first run that looks marks the instance, and all runs count from
//! there. Marking may be impossible: an instance has at most fifty tags. Then each run would start counting again, 300 s
//! at a time, until the hook runs out and the instance ends with the volume mounted. So a run whose mark is refused does
//! not rely on any other:
//!
//! ```text
//!          marked                                        cannot be marked
//!    0     the first run marks it: held until 540        is refused: held until 222
//!  182                                                   lets go, and the volume is detached
//!  298     runs out of time, like the next               ends
//!  500     the one after it has it let go
//!  900     the hook would run out
//! ```

use std::time::SystemTime;

use super::patience::{HOLD, HOLD_UNMARKED};
use crate::risk::{Risk, RiskReason};

/// The mark of an instance whose end was first seen now. From then on every function counts from here.
pub(super) fn hold(now: SystemTime) -> Risk {
    Risk { reason: RiskReason::Terminating, until: Some(now + HOLD) }
}

/// What a run that could not write a mark goes by, on its own.
pub fn if_unmarked(risk: Risk, now: SystemTime) -> Risk {
    match risk.reason {
        RiskReason::Terminating => Risk { until: risk.until.map(|until| until.min(now + HOLD_UNMARKED)), ..risk },
        RiskReason::Rebalance | RiskReason::Retirement | RiskReason::Interruption => risk,
    }
}
