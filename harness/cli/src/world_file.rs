//! The world to start from, by name or from a file.

use std::fs;

use durin_harness::seed::Seed;

/// # Errors
/// When there is no such file, or it is not a world.
pub(crate) fn seed(world: &str) -> Result<Seed, String> {
    match world {
        "one-node" => Ok(Seed::one_node()),
        "empty" => Ok(Seed { seed: 1, ..Seed::default() }),
        path => match fs::read_to_string(path) {
            Ok(text) => Seed::read(&text),
            Err(error) => Err(format!("it is neither one-node, empty, nor a file ({error})")),
        },
    }
}
