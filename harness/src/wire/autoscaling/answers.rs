//! What Auto Scaling answers: that it is done, a page, or that there is no such group.

use serde_json::{Value, json};

use crate::wire::page::page;
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::Group;
use crate::world::error::{ApiError, ApiResult};

/// What nearly all writes answer.
pub(super) fn done() -> Value {
    json!({})
}

pub(super) fn group_named<'a>(world: &'a World, name: &str) -> ApiResult<&'a Group> {
    world.autoscaling.group(name).ok_or_else(|| {
        ApiError::new(
            "ValidationError",
            format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"),
        )
    })
}

/// `list_name` with one page of `items`, as the request asks for it, and the token of the next. There is always a
/// limit: `usual_limit`, unless the request has another.
pub(super) fn paged(
    params: &Params,
    list_name: &str,
    usual_limit: usize,
    items: Vec<(String, Value)>,
) -> ApiResult<Value> {
    let limit = match params.number::<usize>("MaxRecords")? {
        None => usual_limit,
        Some(limit @ 1..=100) => limit,
        Some(limit) => return Err(params.invalid("MaxRecords", &limit.to_string())),
    };
    let page = page(items, limit, params.text("NextToken"))
        .ok_or_else(|| ApiError::new("InvalidNextToken", "The NextToken value is not valid."))?;
    let mut answer = json!({});
    answer[list_name] = page.items.into();
    answer["NextToken"] = page.next.into();
    Ok(answer)
}
