//! Writing an image's id into a parameter, until it can be read back.

use std::iter::repeat_n;
use std::time::Duration;

use durin_decisions::images::publish::{Blocked, IMAGE_DATA_TYPE};

use crate::aws::{Aws, code, failed};
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{ImageId, ParameterName};

/// How often to look for the value, second by second at first: most validations take seconds.
const EAGER_LOOKS: usize = 10;
const EAGER_POLL: Duration = Duration::from_secs(1);
/// Parameter Store checks a value of this data type after it has answered. (Systems Manager User Guide, "Native
/// parameter support for Amazon Machine Image IDs".) That may take a few minutes; until then no call shows the new value,
/// not even as a version to come. So these looks make it four minutes in all.
/// Probe: an-image-parameter-is-validated-later.
const PATIENT_LOOKS: usize = 46;
const PATIENT_POLL: Duration = Duration::from_secs(5);

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

/// Writes the image's id. It counts only once it can be read back. Probe: a-bad-image-parameter-never-comes.
///
/// A write into a validation is refused. It may be that of our own earlier write, by a run that has died or has had no
/// time left, so the outcome is awaited instead of writing again.
/// Probe: a-put-into-a-validation-is-refused.
///
/// # Errors
/// When Parameter Store does not show the value in time, AWS fails for good, or the deadline comes first.
pub(in crate::ami) async fn put(
    aws: &Aws,
    parameter: &ParameterName,
    image: &ImageId,
    deadline: Deadline,
) -> Result<Put, Failure> {
    let outcome = |value: Option<String>| match value.as_deref() == Some(image.as_str()) {
        true => Put::Readable,
        false => Put::Overtaken,
    };
    let call = aws.ssm.put_parameter().name(parameter.as_str()).value(image.as_str());
    let (awaited, otherwise): (i64, Result<Put, Failure>) =
        match call.data_type(IMAGE_DATA_TYPE).overwrite(true).send().await {
            Ok(answer) => {
                let refused = Blocked::Refused { parameter: parameter.clone(), image: image.clone() };
                (answer.version(), Err(refused.into()))
            }
            Err(error) if code(&error) == "TooManyUpdates" => {
                let (version, value) = look(aws, parameter).await?;
                if outcome(value) == Put::Readable {
                    return Ok(Put::Readable);
                }
                (version + 1, Ok(Put::Overtaken))
            }
            Err(error) => return Err(failed("ssm:PutParameter")(error)),
        };
    for pause in repeat_n(EAGER_POLL, EAGER_LOOKS).chain(repeat_n(PATIENT_POLL, PATIENT_LOOKS)) {
        if !deadline.allows(aws.clock.now(), pause) {
            return Err(Failure::OutOfTime {
                waiting_for: format!("Parameter Store to accept {image} for {parameter}"),
            });
        }
        aws.clock.sleep(pause).await;
        let (version, value) = look(aws, parameter).await?;
        if version >= awaited {
            return Ok(outcome(value));
        }
    }
    otherwise
}

/// The parameter's newest version, and its value.
async fn look(aws: &Aws, parameter: &ParameterName) -> Result<(i64, Option<String>), Failure> {
    let found = aws.ssm.get_parameter().name(parameter.as_str()).send().await.map_err(failed("ssm:GetParameter"))?;
    let found = found.parameter();
    Ok(found.map_or((0, None), |found| (found.version(), found.value().map(str::to_owned))))
}
