//! Whether a k3s that answers goes on doing so. One that is going down, or that falls again and again, answers for a
//! while.

/// k3s's unit at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// systemd's `ActiveState`. With `Type=notify` it is "active" once k3s says that it is up.
    state: String,
    /// Another one at each start.
    run: String,
}

impl Unit {
    /// Reads what `systemctl show` prints: `ActiveState`, `InvocationID` and `MainPID`.
    pub fn read(shown: &str) -> Unit {
        let value = |key: &str| shown.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or("");
        let run = format!("{} {}", value("InvocationID"), value("MainPID"));
        Unit { state: value("ActiveState").to_owned(), run }
    }

    /// Why its answer means nothing; none if it does.
    pub fn is_no_witness(&self) -> Option<String> {
        match self.state.as_str() {
            "active" | "reloading" => None,
            "" => Some("systemd does not say how k3s is".to_owned()),
            state => Some(format!("k3s answers, and systemd calls it {state}")),
        }
    }

    /// Whether something of it may run, for all that systemd says.
    pub fn may_run(&self) -> bool {
        !matches!(self.state.as_str(), "inactive" | "failed")
    }

    /// Whether it has not been started anew between two looks.
    pub fn is_the_same_run(&self, earlier: &Unit) -> bool {
        self.run == earlier.run
    }
}
