//! Writing an image's id into a parameter, until it can be read back.

use std::time::Duration;

use durin_decisions::images::publish::{Blocked, IMAGE_DATA_TYPE};

use crate::aws::{Aws, code, failed};
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{ImageId, ParameterName};

/// Parameter Store checks a value of this data type after it has answered. (Systems Manager User Guide, "Native
/// parameter support for Amazon Machine Image IDs".) That may take a few minutes, and until then the old value is served.
const VALIDATION_PATIENCE: Duration = Duration::from_secs(240);
/// How long to wait between two looks at the value.
const POLL: Duration = Duration::from_secs(1);

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ami) enum Put {
    /// The parameter names the image.
    Readable,
    /// Another writer wrote it too, before or after.
    Overtaken,
}

/// Others write the parameter each time that we do.
pub(in crate::ami) fn contended(parameter: &ParameterName, rounds: usize) -> Failure {
    let problem =
        format!("others keep writing the parameter {parameter}: look in CloudTrail for the caller of PutParameter");
    Failure::NoProgress { rounds, problem }
}

/// Writes the image's id. It counts only once it can be read back.
///
/// # Errors
/// When Parameter Store refuses the value, AWS fails for good, or the deadline comes first.
pub(in crate::ami) async fn put(
    aws: &Aws,
    parameter: &ParameterName,
    image: &ImageId,
    deadline: Deadline,
) -> Result<Put, Failure> {
    let call = aws.ssm.put_parameter().name(parameter.as_str()).value(image.as_str());
    let version = match call.data_type(IMAGE_DATA_TYPE).overwrite(true).send().await {
        Ok(answer) => answer.version(),
        Err(error) if code(&error) == "TooManyUpdates" => return Ok(Put::Overtaken),
        Err(error) => return Err(failed("ssm:PutParameter")(error)),
    };
    for _ in 0..VALIDATION_PATIENCE.as_secs() / POLL.as_secs() {
        let found =
            aws.ssm.get_parameter().name(parameter.as_str()).send().await.map_err(failed("ssm:GetParameter"))?;
        if let Some(found) = found.parameter().filter(|found| found.version() >= version) {
            return Ok(if found.value() == Some(image.as_str()) { Put::Readable } else { Put::Overtaken });
        }
        if !deadline.allows(aws.clock.now(), POLL) {
            return Err(Failure::OutOfTime {
                waiting_for: format!("Parameter Store to accept {image} for {parameter}"),
            });
        }
        aws.clock.sleep(POLL).await;
    }
    Err(Blocked::Refused { parameter: parameter.clone(), image: image.clone() }.into())
}
