//! What runs on the instance. `durin-node` mounts the node's data volume when it arrives, lets go of it when it is told to,
//! takes a release back, and says how it is. The functions call it through Systems Manager, the units at boot.

pub mod answer;
pub mod commands;
pub mod decide;
pub mod machine;
pub mod world;
