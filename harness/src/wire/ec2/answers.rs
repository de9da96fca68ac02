//! What EC2 answers: that it is done, or a page.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::time::Time;
use crate::wire::page::page;
use crate::wire::query::Params;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

/// What nearly all writes without an answer of their own answer.
pub(super) fn done() -> Value {
    json!({"return": true})
}

/// When something was launched or attached, as the Describe calls have it: in whole seconds. Null if EC2 hides such times.
pub(super) fn past(world: &World, time: Time) -> Value {
    if world.ec2.hides_times() { Value::Null } else { whole_seconds(time).into() }
}

/// `2026-01-05T06:00:00.000Z`
pub(super) fn whole_seconds(time: Time) -> String {
    Time(time.0 - time.0.rem_euclid(1000)).iso_millis()
}

/// `list_name` with one page of `items`, as the request asks for it, and the token of the next. Without a limit there
/// is one page.
pub(super) fn paged(params: &Params, list_name: &str, items: Vec<(String, Value)>) -> ApiResult<Value> {
    paged_within(params, list_name, 5..=1000, items)
}

/// [`paged`], where limits other than the usual ones are allowed.
pub(super) fn paged_within(
    params: &Params,
    list_name: &str,
    limits: RangeInclusive<usize>,
    items: Vec<(String, Value)>,
) -> ApiResult<Value> {
    let limit = params.number::<usize>("MaxResults")?;
    if let Some(limit) = limit.filter(|limit| !limits.contains(limit)) {
        let text = format!(
            "Value ( {limit} ) for parameter maxResults is invalid. Expecting a value between {} and {}.",
            limits.start(),
            limits.end()
        );
        return Err(ApiError::new("InvalidParameterValue", text));
    }
    let limit = limit.unwrap_or(usize::MAX);
    let page = page(items, limit, params.text("NextToken"))
        .ok_or_else(|| ApiError::new("InvalidNextToken", "The token is invalid."))?;
    let mut answer = json!({});
    answer[list_name] = page.items.into();
    answer["nextToken"] = page.next.into();
    Ok(answer)
}
