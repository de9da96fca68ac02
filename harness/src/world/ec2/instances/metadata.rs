//! Tags in instance metadata, whose keys become parts of a path there.

use std::collections::BTreeMap;

use crate::world::error::{ApiError, ApiResult};

/// EC2 User Guide (view tags using instance metadata): letters, digits and a few signs, and none of three names. The words
/// are in seek-oss/aec#411.
pub(super) fn check_tags(are_shown: bool, tags: &BTreeMap<String, String>) -> ApiResult<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+=,.@:".contains(&byte);
    let is_refused = |key: &&String| [".", "..", "_index"].contains(&key.as_str()) || !key.bytes().all(is_allowed);
    match tags.keys().find(is_refused) {
        Some(key) if are_shown => {
            let text = format!(
                "'{key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\\\-_+=,.@:]{{1,255}}), and must \
                 not be a reserved name ('.', '..', '_index')"
            );
            Err(ApiError::new("InvalidParameterValue", text))
        }
        _ => Ok(()),
    }
}
