//! Wires the handler to Lambda, with the settings of its environment.

use durin_ami_prune::{Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let settings = Settings::read(durin::lambda::variable)?;
    durin::lambda::run(async |aws, event, deadline| handle(&aws, &settings, event, deadline).await).await
}
