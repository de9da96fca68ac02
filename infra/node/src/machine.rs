//! The edges: what is read from the kernel, and what is asked of it. No decision is made here.

pub mod cgroups;
pub mod device;
pub mod image;
pub mod k3s;
pub mod kubectl;
pub mod lock;
pub mod metadata;
pub mod mounts;
pub mod processes;
pub mod programs;
pub mod reading;
pub mod state;
pub mod unit;
pub mod use_of_it;
pub mod writers;
