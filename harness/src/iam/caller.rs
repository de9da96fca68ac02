//! Callers.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A function, by its name: its role says what it may do.
    Function(String),
    /// A person, who may do anything.
    Operator,
}

impl Caller {
    pub fn is_function(&self) -> bool {
        match self {
            Caller::Function(_) => true,
            Caller::Operator => false,
        }
    }

    /// Whether it is the function of that name.
    pub fn is(&self, function: &str) -> bool {
        match self {
            Caller::Function(name) => name == function,
            Caller::Operator => false,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Function(name) => f.write_str(name),
            Caller::Operator => f.write_str("operator"),
        }
    }
}
