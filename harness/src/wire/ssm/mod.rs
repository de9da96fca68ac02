//! Systems Manager, of which there are Parameter Store, documents and Run Command: JSON in, JSON out.

mod answers;
mod commands;
mod documents;
mod filters;
mod history;
mod instances;
mod invocations;
mod parameters;

use http::Request;
use serde_json::Value;

use super::action::Action;
use super::answer::Answer;
use super::fields::Fields;
use crate::iam::Caller;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

const ACTIONS: &[Action<Fields>] = &[
    Action::write("AddTagsToResource", &["ResourceId", "ResourceType", "Tags"], parameters::add_tags),
    Action::write("CancelCommand", &["CommandId", "InstanceIds"], commands::cancel),
    Action::write("CreateDocument", documents::CREATE_PARAMETERS, documents::create),
    Action::write("DeleteDocument", &["Name"], documents::delete),
    Action::write("DeleteParameter", &["Name"], parameters::delete),
    Action::read("DescribeDocument", &["DocumentVersion", "Name"], documents::describe),
    Action::read(
        "DescribeInstanceInformation",
        &["Filters", "InstanceInformationFilterList", "MaxResults", "NextToken"],
        instances::describe,
    ),
    Action::read("DescribeParameters", &["MaxResults", "NextToken", "ParameterFilters"], history::describe),
    Action::read("GetCommandInvocation", &["CommandId", "InstanceId", "PluginName"], invocations::get),
    Action::read("GetDocument", &["DocumentFormat", "DocumentVersion", "Name"], documents::get),
    Action::read("GetParameter", &["Name", "WithDecryption"], parameters::get),
    Action::read("GetParameterHistory", &["MaxResults", "Name", "NextToken", "WithDecryption"], history::get_history),
    Action::read("GetParameters", &["Names", "WithDecryption"], parameters::get_many),
    Action::read(
        "GetParametersByPath",
        &["MaxResults", "NextToken", "Path", "Recursive", "WithDecryption"],
        parameters::get_by_path,
    ),
    Action::write("LabelParameterVersion", &["Labels", "Name", "ParameterVersion"], parameters::label),
    Action::read(
        "ListCommandInvocations",
        &["CommandId", "Details", "Filters", "InstanceId", "MaxResults", "NextToken"],
        invocations::list,
    ),
    Action::read("ListCommands", &["CommandId", "Filters", "InstanceId", "MaxResults", "NextToken"], commands::list),
    Action::read("ListDocuments", &["Filters", "MaxResults", "NextToken"], documents::list),
    Action::read("ListTagsForResource", &["ResourceId", "ResourceType"], parameters::list_tags),
    Action::write_for("PutParameter", parameters::PUT_PARAMETERS, parameters::put),
    Action::write("RemoveTagsFromResource", &["ResourceId", "ResourceType", "TagKeys"], parameters::remove_tags),
    Action::write("SendCommand", commands::SEND_PARAMETERS, commands::send),
    Action::write("UnlabelParameterVersion", &["Labels", "Name", "ParameterVersion"], parameters::unlabel),
];

/// The members that say what a call is about.
const SUBJECTS: &[&str] = &[
    "Name",
    "Names",
    "Path",
    "ResourceId",
    "DocumentName",
    "CommandId",
    "InstanceId",
    "InstanceIds",
    "InstanceInformationFilterList",
    "Filters",
];

pub(super) fn is_write(name: &str) -> Option<bool> {
    Action::find(ACTIONS, name).map(Action::is_write)
}

pub(super) fn answer(
    world: &mut World,
    caller: &Caller,
    name: &str,
    request: &Request<Vec<u8>>,
) -> (String, ApiResult<Answer>) {
    match Fields::parse(request.body()) {
        Ok(fields) => (fields.about(SUBJECTS), run(world, caller, name, &fields).map(Answer::from)),
        Err(error) => (String::new(), Err(error)),
    }
}

fn run(world: &mut World, caller: &Caller, name: &str, fields: &Fields) -> ApiResult<Value> {
    let action = Action::find(ACTIONS, name).ok_or_else(|| {
        ApiError::new("UnknownOperationException", format!("The local AWS does not have the operation {name}."))
    })?;
    match action.unknown_parameter(fields.names()) {
        Some(unknown) => {
            let text = format!("The local AWS does not have the member '{unknown}' of this operation.");
            Err(ApiError::new("ValidationException", text))
        }
        None => action.run(world, caller, fields),
    }
}
