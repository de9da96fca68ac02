//! How far an invocation is.

/// How far an invocation is, as detailed as `StatusDetails` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationStatus {
    /// Not sent to the instance yet.
    Pending,
    /// It could not be sent; this is tried again.
    Delayed,
    /// The document runs, as far as Systems Manager knows.
    InProgress,
    /// The agent has been asked to stop.
    Cancelling,
    /// The document ended with 0.
    Success,
    /// The document ended otherwise.
    Failed,
    Cancelled,
    /// It did not reach the instance in time, or nothing was heard of it any more.
    DeliveryTimedOut,
    /// The document took too long.
    ExecutionTimedOut,
    /// It cannot reach the instance, which may be gone.
    Undeliverable,
}

impl InvocationStatus {
    /// `Status`.
    pub fn name(self) -> &'static str {
        match self {
            InvocationStatus::Pending => "Pending",
            InvocationStatus::Delayed => "Delayed",
            InvocationStatus::InProgress => "InProgress",
            InvocationStatus::Cancelling => "Cancelling",
            InvocationStatus::Success => "Success",
            InvocationStatus::Failed | InvocationStatus::Undeliverable => "Failed",
            InvocationStatus::Cancelled => "Cancelled",
            InvocationStatus::DeliveryTimedOut | InvocationStatus::ExecutionTimedOut => "TimedOut",
        }
    }

    /// `StatusDetails`: recorded answers have no spaces, unlike the API Reference.
    pub fn details(self) -> &'static str {
        match self {
            InvocationStatus::DeliveryTimedOut => "DeliveryTimedOut",
            InvocationStatus::ExecutionTimedOut => "ExecutionTimedOut",
            InvocationStatus::Undeliverable => "Undeliverable",
            InvocationStatus::Pending
            | InvocationStatus::Delayed
            | InvocationStatus::InProgress
            | InvocationStatus::Cancelling
            | InvocationStatus::Success
            | InvocationStatus::Failed
            | InvocationStatus::Cancelled => self.name(),
        }
    }

    /// Whether the agent does not have it yet, and may still get it.
    pub fn is_undelivered(self) -> bool {
        matches!(self, InvocationStatus::Pending | InvocationStatus::Delayed)
    }

    /// Whether it stays like that.
    pub fn is_final(self) -> bool {
        match self {
            InvocationStatus::Pending
            | InvocationStatus::Delayed
            | InvocationStatus::InProgress
            | InvocationStatus::Cancelling => false,
            InvocationStatus::Success
            | InvocationStatus::Failed
            | InvocationStatus::Cancelled
            | InvocationStatus::DeliveryTimedOut
            | InvocationStatus::ExecutionTimedOut
            | InvocationStatus::Undeliverable => true,
        }
    }
}
