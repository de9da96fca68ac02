//! Parameter Store: versions, types, and the validation of a parameter that names an image.

use std::time::{Duration, SystemTime};

use aws_sdk_ec2::types::Image;
use aws_sdk_ssm::types::{ParameterType, Tag};

use super::calls::within;
use crate::answer::{Answer, answer};
use crate::bench::{Bench, TAG, filter};
use crate::probe::{Finding, Here, Level, Probe, Rests, Timing, Trouble};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "identical-put-makes-a-version",
        level: Level::Cheap,
        assumes: "PutParameter with the value that a parameter has already makes a further version of it.",
        rests_on: &[Rests {
            file: "harness/src/world/ssm/parameters.rs",
            rule: "the local AWS makes a version; publishing reads first, so that it puts nothing twice",
        }],
        calls: &["ssm:PutParameter"],
        expects: "version 2",
        makes: "a parameter",
        cents: 0.0,
        seconds: 2,
        here: Here::Answers,
        ask: |bench| Box::pin(identical(bench)),
    },
    Probe {
        name: "overwriting-keeps-the-types",
        level: Level::Cheap,
        assumes: "PutParameter with Overwrite refuses another type and another data type than the parameter has, and \
                  changes nothing.",
        rests_on: &[Rests {
            file: "harness/src/world/ssm/parameters.rs",
            rule: "the local AWS refuses both, so no function ever changes a type",
        }],
        calls: &["ssm:PutParameter"],
        expects: "HierarchyTypeMismatchException for the type and a ValidationException for the data type",
        makes: "a parameter",
        cents: 0.0,
        seconds: 2,
        here: Here::Answers,
        ask: |bench| Box::pin(types(bench)),
    },
    Probe {
        name: "a-parameter-goes-by-its-arn",
        level: Level::Cheap,
        assumes: "GetParameter takes the ARN of a parameter for its name.",
        rests_on: &[Rests { file: "harness/src/world/ssm/parameters.rs", rule: "the local AWS finds it by its ARN" }],
        calls: &["ssm:GetParameter", "ssm:PutParameter"],
        expects: "the parameter",
        makes: "a parameter",
        cents: 0.0,
        seconds: 2,
        here: Here::Answers,
        ask: |bench| Box::pin(by_arn(bench)),
    },
    Probe {
        name: "an-image-parameter-is-validated-later",
        level: Level::Cheap,
        assumes: "A parameter of data type aws:ec2:image is there within three minutes after PutParameter has answered.",
        rests_on: &[
            Rests { file: "harness/src/world/latency.rs", rule: "the range `parameter_validation`" },
            Rests { file: "shared/src/ami/publish/put.rs", rule: "for how long the value is looked for" },
        ],
        calls: &["ec2:DescribeImages", "ssm:GetParameter", "ssm:PutParameter"],
        expects: "the value, within that time",
        makes: "a parameter",
        cents: 0.0,
        seconds: 60,
        here: Here::Answers,
        ask: |bench| Box::pin(validated(bench)),
    },
    Probe {
        name: "a-put-into-a-validation-is-refused",
        level: Level::Cheap,
        assumes: "PutParameter for an image parameter whose last put is still being validated is refused as TooManyUpdates.",
        rests_on: &[Rests {
            file: "shared/src/ami/publish/put.rs",
            rule: "that code means that somebody else's put is under way, whose outcome is awaited",
        }],
        calls: &["ec2:DescribeImages", "ssm:GetParameter", "ssm:PutParameter"],
        expects: "TooManyUpdates",
        makes: "a parameter",
        cents: 0.0,
        seconds: 60,
        here: Here::Answers,
        ask: |bench| Box::pin(into_validation(bench)),
    },
    Probe {
        name: "a-bad-image-parameter-never-comes",
        level: Level::Cheap,
        assumes: "PutParameter with data type aws:ec2:image and an image that does not exist succeeds, and no such parameter \
                  ever comes.",
        rests_on: &[Rests {
            file: "shared/src/ami/publish/put.rs",
            rule: "an answer with a version proves nothing; only the value that is read back does",
        }],
        calls: &["ssm:GetParameter", "ssm:PutParameter"],
        expects: "a version, and no parameter for five minutes",
        makes: "nothing, if it is proved",
        cents: 0.0,
        seconds: 300,
        here: Here::Answers,
        ask: |bench| Box::pin(bad_image(bench)),
    },
];

const IMAGE: &str = "aws:ec2:image";
/// The validation "can take up to a few minutes" (Systems Manager User Guide), and a put may be repeated after five.
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_secs(2);
/// Nothing is measured by what does not come.
const SLOW_LOOK: Duration = Duration::from_secs(15);

async fn identical(bench: &Bench) -> Result<Finding, Trouble> {
    let name = text(bench, "identical").await?;
    let again = bench.aws.ssm.put_parameter().name(&name).value("same").overwrite(true).send().await?;
    let version = again.version();
    Ok(Finding::of(version == 2, format!("version {version}")))
}

async fn types(bench: &Bench) -> Result<Finding, Trouble> {
    let name = text(bench, "types").await?;
    let put = || bench.aws.ssm.put_parameter().name(&name).value("other").overwrite(true);
    let as_list = answer(put().r#type(ParameterType::StringList).send().await)?;
    let as_image = answer(put().r#type(ParameterType::String).data_type(IMAGE).send().await)?;
    let is_as_assumed =
        as_list.is_refusal("HierarchyTypeMismatchException") && as_image.is_refusal("ValidationException");
    Ok(Finding::of(is_as_assumed, format!("another type: {as_list}; another data type: {as_image}")))
}

async fn by_arn(bench: &Bench) -> Result<Finding, Trouble> {
    let name = text(bench, "arn").await?;
    let there = bench.aws.ssm.get_parameter().name(&name).send().await?.parameter;
    let arn = there.and_then(|it| it.arn).ok_or_else(|| Trouble::Lacking("the parameter shows no ARN".to_owned()))?;
    let asked = answer(bench.aws.ssm.get_parameter().name(arn).send().await)?;
    let is_it = match &asked {
        Answer::Taken(found) => found.parameter().and_then(|it| it.name()) == Some(name.as_str()),
        Answer::Refused(_) => false,
    };
    Ok(Finding::of(is_it, if is_it { "the parameter".to_owned() } else { asked.to_string() }))
}

async fn validated(bench: &Bench) -> Result<Finding, Trouble> {
    let [image, _] = image_ids(bench).await?;
    let name = bench.parameter("validated");
    put_image(bench, &name, &image).await?;
    let begun = bench.now();
    match readable(bench, &name, begun).await? {
        None => Ok(Finding::of(false, "no parameter after five minutes")),
        Some(timing) => Ok(within(180_000, vec![timing])),
    }
}

async fn into_validation(bench: &Bench) -> Result<Finding, Trouble> {
    let [first, second] = image_ids(bench).await?;
    let name = bench.parameter("into-validation");
    put_image(bench, &name, &first).await?;
    let begun = bench.now();
    let put = bench.aws.ssm.put_parameter().name(&name).value(second).data_type(IMAGE).overwrite(true);
    let again = answer(put.r#type(ParameterType::String).send().await)?;
    let was_there = read(bench, &name).await?.is_some();
    // Whatever comes of it comes before the clean-up looks for it.
    readable(bench, &name, begun).await?;
    match again {
        Answer::Taken(_) if was_there => Ok(Finding::inconclusive("the validation was over before the second put")),
        again => Ok(Finding::of(again.is_refusal("TooManyUpdates"), again.to_string())),
    }
}

async fn bad_image(bench: &Bench) -> Result<Finding, Trouble> {
    let name = bench.parameter("bad-image");
    let put = bench.aws.ssm.put_parameter().name(&name).value(bench.nothing("ami")).data_type(IMAGE);
    let put = answer(put.r#type(ParameterType::String).send().await)?;
    if put.refusal().is_some() {
        return Ok(Finding::of(false, put.to_string()));
    }
    let look = || async { read(bench, &name).await };
    let came = bench.until(("parameter_validation", bench.now()), (SLOW_LOOK, PATIENCE), look).await?;
    Ok(Finding::of(came.is_none(), if came.is_none() { "a version, and no parameter" } else { "the parameter came" }))
}

/// A parameter of the type String, with one version.
async fn text(bench: &Bench, what: &str) -> Result<String, Trouble> {
    let name = bench.parameter(what);
    let put = bench.aws.ssm.put_parameter().name(&name).value("same").r#type(ParameterType::String);
    put.tags(tag(bench)?).send().await?;
    Ok(name)
}

pub(super) async fn put_image(bench: &Bench, name: &str, image: &str) -> Result<(), Trouble> {
    let put = bench.aws.ssm.put_parameter().name(name).value(image).data_type(IMAGE).r#type(ParameterType::String);
    put.tags(tag(bench)?).send().await?;
    Ok(())
}

fn tag(bench: &Bench) -> Result<Tag, Trouble> {
    Ok(Tag::builder().key(TAG).value(&bench.run).build()?)
}

/// How long it took from `begun` until the parameter was there; none if it never was.
pub(super) async fn readable(bench: &Bench, name: &str, begun: SystemTime) -> Result<Option<Timing>, Trouble> {
    let look = || async { read(bench, name).await };
    let seen = bench.until(("parameter_validation", begun), (LOOK, PATIENCE), look).await?;
    Ok(seen.map(|(_, timing)| timing))
}

async fn read(bench: &Bench, name: &str) -> Result<Option<String>, Trouble> {
    match answer(bench.aws.ssm.get_parameter().name(name).send().await)? {
        Answer::Taken(found) => Ok(found.parameter.and_then(|it| it.value)),
        Answer::Refused(refusal) if refusal.code == "ParameterNotFound" => Ok(None),
        Answer::Refused(refusal) => Err(Trouble::Refused(refusal)),
    }
}

/// Two images of Amazon Linux 2023 as Amazon publishes it, newest first.
pub(super) async fn images(bench: &Bench) -> Result<[Image; 2], Trouble> {
    let call = bench.aws.ec2.describe_images().owners("amazon");
    let call = call.filters(filter("name", "al2023-ami-2023.*-kernel-6.1-x86_64"));
    let mut found = call.send().await?.images.unwrap_or_default();
    found.sort_by(|left, right| right.creation_date.cmp(&left.creation_date));
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(newest), Some(other)) => Ok([newest, other]),
        _ => Err(Trouble::Lacking("Amazon shows no two images of Amazon Linux 2023 here".to_owned())),
    }
}

/// Their ids.
pub(super) async fn image_ids(bench: &Bench) -> Result<[String; 2], Trouble> {
    Ok(images(bench).await?.map(|image| image.image_id.unwrap_or_default()))
}
