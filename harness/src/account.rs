//! Where the local AWS plays.

/// The AWS account that every world plays in.
pub const ACCOUNT: &str = "123456789012";
/// The region that every world plays in.
pub const REGION: &str = "eu-central-1";
/// The standard partition.
pub const PARTITION: &str = "aws";
