//! A service's operations as a table: names, the parameters that are understood, and what carries them out.

use serde_json::Value;

use crate::iam::Caller;
use crate::world::World;
use crate::world::error::ApiResult;

/// One operation of a service whose requests are read as `I`.
pub(super) struct Action<I: 'static> {
    pub(super) name: &'static str,
    /// Top-level parameters. Any other is refused: ignoring it could change what the call means.
    pub(super) parameters: &'static [&'static str],
    pub(super) run: Run<I>,
}

/// Reads cannot change the world, by type.
pub(super) enum Run<I: 'static> {
    Read(fn(&World, &I) -> ApiResult<Value>),
    Write(fn(&mut World, &I) -> ApiResult<Value>),
    /// What is carried out depends on what the caller may do besides.
    WriteFor(fn(&mut World, &Caller, &I) -> ApiResult<Value>),
}

impl<I> Action<I> {
    pub(super) const fn read(
        name: &'static str,
        parameters: &'static [&'static str],
        run: fn(&World, &I) -> ApiResult<Value>,
    ) -> Action<I> {
        Action { name, parameters, run: Run::Read(run) }
    }

    pub(super) const fn write(
        name: &'static str,
        parameters: &'static [&'static str],
        run: fn(&mut World, &I) -> ApiResult<Value>,
    ) -> Action<I> {
        Action { name, parameters, run: Run::Write(run) }
    }

    pub(super) const fn write_for(
        name: &'static str,
        parameters: &'static [&'static str],
        run: fn(&mut World, &Caller, &I) -> ApiResult<Value>,
    ) -> Action<I> {
        Action { name, parameters, run: Run::WriteFor(run) }
    }

    pub(super) fn find(actions: &'static [Action<I>], name: &str) -> Option<&'static Action<I>> {
        actions.iter().find(|action| action.name == name)
    }

    pub(super) fn is_write(&self) -> bool {
        match self.run {
            Run::Read(_) => false,
            Run::Write(_) | Run::WriteFor(_) => true,
        }
    }

    /// The first of `given` that this operation does not understand.
    pub(super) fn unknown_parameter<'a>(&self, mut given: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        given.find(|name| !self.parameters.contains(name))
    }

    pub(super) fn run(&self, world: &mut World, caller: &Caller, input: &I) -> ApiResult<Value> {
        match self.run {
            Run::Read(read) => read(world, input),
            Run::Write(write) => write(world, input),
            Run::WriteFor(write) => write(world, caller, input),
        }
    }
}
