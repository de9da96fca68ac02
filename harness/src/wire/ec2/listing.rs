//! What the Describe calls of things with ids have in common.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::answers::paged_within;
use super::filters::Filters;
use crate::wire::query::Params;
use crate::world::error::{ApiError, ApiResult};

/// Things that are described by id, or in pages, and narrowed by filters.
pub(super) struct Listing {
    /// The parameter with the ids.
    pub(super) ids: &'static str,
    /// What EC2 calls it when it refuses ids together with pages.
    pub(super) ids_in_errors: &'static str,
    pub(super) filters: &'static [&'static str],
    /// The list in the answer.
    pub(super) set: &'static str,
    /// How long a page may be asked to be.
    pub(super) pages: RangeInclusive<usize>,
}

impl Listing {
    /// Answers a Describe call: of what `chosen` gives for the ids (or for none), what `is_meant` by the filters, each as
    /// its `item` with the key that orders the pages.
    pub(super) fn describe<T, I: IntoIterator<Item = T>>(
        &self,
        params: &Params,
        chosen: impl FnOnce(&[String]) -> ApiResult<I>,
        is_meant: impl Fn(&T, &Filters) -> bool,
        item: impl Fn(T) -> (String, Value),
    ) -> ApiResult<Value> {
        let ids = params.list(self.ids);
        ids_or_pages(params, self.ids_in_errors, &ids)?;
        let filters = Filters::parse(params, self.filters)?;
        let items = chosen(&ids)?.into_iter().filter(|thing| is_meant(thing, &filters)).map(item).collect();
        paged_within(params, self.set, self.pages.clone(), items)
    }
}

/// Refuses to page through things that are asked for by id.
pub(super) fn ids_or_pages(params: &Params, ids_name: &str, ids: &[String]) -> ApiResult<()> {
    if ids.is_empty() || params.text("MaxResults").is_none() {
        return Ok(());
    }
    let text = format!("The parameter {ids_name} cannot be used with the parameter maxResults");
    Err(ApiError::new("InvalidParameterCombination", text))
}
