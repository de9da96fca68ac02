//! Asking an instance about itself, by a document that has it wait until it can say yes.

use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::send_command::{SendCommandError, SendCommandOutput};
use durin_decisions::node::Question;

use super::applied::Applied;
use super::apply::{DELIVERY_TIMEOUT_S, SEND_TIMEOUT};
use super::commands::Answer;
use super::documents::Document;
use super::observe::Node;
use super::words::Asked;
use crate::aws::{Aws, code, failed, is_of_the_moment, is_unanswered, within, words};
use crate::ids::InstanceId;

/// Nothing depends on its success: an instance that cannot be asked is as good as one that is silent.
pub(super) async fn ask(aws: &Aws, node: &mut Node, instance: &InstanceId, question: Question) -> Applied {
    let (document, about) = (Document::that_asks(question), node.asks_about);
    let sent = send(aws, question, &[instance]).await;
    let now = aws.clock.now();
    let mut may_ask_again = false;
    let (answer, why) = match sent {
        Ok(sent) => match sent.command.and_then(|command| command.command_id) {
            Some(id) => (Answer::Taken { id }, String::new()),
            None => (Answer::Lost { since: now }, "Systems Manager has given no id".to_owned()),
        },
        Err(error) => {
            let is_lost = is_unanswered(&error);
            // Too many calls, perhaps of somebody else; or its agent has just gone.
            may_ask_again = !is_lost && (is_of_the_moment(&error) || code(&error) == "InvalidInstanceId");
            let why = match code(&error) {
                "InvalidDocument" | "InvalidDocumentVersion" => {
                    let words = words(&error);
                    format!("there is no document {} as it was deployed: run just deploy ({words})", document.name())
                }
                _ => failed("ssm:SendCommand")(error).chain(),
            };
            (if is_lost { Answer::Lost { since: now } } else { Answer::Refused }, why)
        }
    };
    if may_ask_again {
        node.forget_agent(instance);
    }
    node.writes.note_asked(instance.clone(), question, Asked { about, at: now, answer, may_ask_again, why });
    if may_ask_again { Applied::TooEarly } else { Applied::Done }
}

/// Asks one instance, or many at once.
pub(super) async fn send(
    aws: &Aws,
    question: Question,
    instances: &[&InstanceId],
) -> Result<SendCommandOutput, SdkError<SendCommandError>> {
    aws.documents
        .name(Document::that_asks(question), aws.ssm.send_command())
        .set_instance_ids(Some(instances.iter().map(ToString::to_string).collect()))
        .timeout_seconds(DELIVERY_TIMEOUT_S)
        .comment(match question {
            Question::Prepared => "Durin: can it take over?",
            Question::Serves => "Durin: does it serve?",
        })
        .customize()
        .config_override(aws_sdk_ssm::config::Builder::new().timeout_config(within(SEND_TIMEOUT)))
        .send()
        .await
}
