//! The account and region of the local AWS.

/// The AWS account of every world.
pub const ACCOUNT: &str = "123456789012";
/// The region of every world.
pub const REGION: &str = "eu-central-1";
/// The standard partition.
pub const PARTITION: &str = "aws";
