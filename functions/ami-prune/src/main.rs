//! Wires the handler to Lambda, with the settings of its environment.

use durin::ami::prune::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    durin::lambda::run(async |aws, event, deadline| durin_ami_prune::handle(&aws, &settings, event, deadline).await)
        .await
}
