//! Pages, as Systems Manager answers them.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::wire::fields::{self, Fields};
use crate::wire::page::page;
use crate::world::error::{ApiError, ApiResult};

/// `list_name` with one page of `items`, as long as one of `lengths`, and the token of the next.
pub(super) fn paged(
    fields: &Fields,
    list_name: &str,
    lengths: RangeInclusive<u64>,
    items: Vec<(String, Value)>,
) -> ApiResult<Value> {
    let limit = match fields.number("MaxResults")? {
        None => *lengths.end(),
        Some(limit) if lengths.contains(&limit) => limit,
        Some(limit) => return Err(fields::invalid("MaxResults", &limit.to_string())),
    };
    let page = page(items, usize::try_from(limit).unwrap_or(usize::MAX), fields.text("NextToken")?)
        .ok_or_else(|| ApiError::new("InvalidNextToken", "The specified token isn't valid."))?;
    let mut answer = json!({});
    answer[list_name] = page.items.into();
    if let Some(next) = page.next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}
