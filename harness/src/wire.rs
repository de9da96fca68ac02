//! EC2, Auto Scaling, Route 53, SSM and a little of KMS and STS as the SDK and the AWS CLI speak them.
//!
//! A request is read once, into a [`Call`], which then goes through [`pipeline`]. Each operation is one
//! [`Operation`] in the file that implements it, and [`catalogue`] finds it. Nothing here waits.
//!
//! To add an operation: its row and its function in a file of the service (say `ec2/volumes.rs`), its effect as a
//! method of the world, and a call of it in `tour.py` of the conformance suite, which fails without one. If a role is
//! to allow it, `iam/actions.rs` has to know with which condition keys it is asked.

mod about;
mod answer;
mod autoscaling;
mod call;
mod catalogue;
mod ec2;
mod element;
mod events;
mod fields;
mod kms;
mod operation;
mod page;
mod pipeline;
mod query;
mod refusals;
mod resources;
mod respond;
mod rest;
mod route53;
mod service;
mod ssm;
mod stranger;
mod sts;
#[cfg(test)]
mod tests;
mod xml;

pub use about::about;
pub use catalogue::operation;
pub use operation::{Kind, Operation};
pub use pipeline::ResponseLost;
pub use service::Service;

pub(crate) use call::Call;
pub(crate) use pipeline::answer;
pub(crate) use stranger::refuse;
