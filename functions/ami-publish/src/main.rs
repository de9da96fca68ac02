//! Wires the handler to Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    durin::lambda::run(async |aws, event, deadline| durin_ami_publish::handle(&aws, event, deadline).await).await
}
