//! Pages of a list, and the tokens between them.

use serde_json::Value;

/// A page of a list.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<String>,
}

/// A token means an item, not a number of items, so that items that come and go between two pages neither hide an item
/// nor show one twice.
const TOKEN_PREFIX: &str = "after-";

/// The page of at most `limit` items behind the one that `token` means. `None`: the token is not one of ours.
///
/// Items come with their keys. An item that vanished since is looked up by its place in the order of the keys.
pub(super) fn page(items: Vec<(String, Value)>, limit: usize, token: Option<&str>) -> Option<Page> {
    let start = match token {
        None => 0,
        Some(token) => {
            let last = token.strip_prefix(TOKEN_PREFIX)?;
            match items.iter().position(|(key, _)| key == last) {
                Some(position) => position + 1,
                None => items.iter().position(|(key, _)| key.as_str() > last).unwrap_or(items.len()),
            }
        }
    };
    let more = items.len() > start.saturating_add(limit);
    let shown: Vec<_> = items.into_iter().skip(start).take(limit).collect();
    let next = shown.last().filter(|_| more).map(|(key, _)| format!("{TOKEN_PREFIX}{key}"));
    Some(Page { items: shown.into_iter().map(|(_, item)| item).collect(), next })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn items(keys: &[&str]) -> Vec<(String, Value)> {
        keys.iter().map(|key| ((*key).to_owned(), json!(key))).collect()
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_overlap() {
        let first = page(items(&["a", "b", "c"]), 2, None).expect("a page");
        assert_eq!(first.items, [json!("a"), json!("b")]);
        let second = page(items(&["a", "b", "c"]), 2, first.next.as_deref()).expect("a page");
        assert_eq!(second, Page { items: vec![json!("c")], next: None });
    }

    #[test]
    fn an_item_that_vanished_between_two_pages_hides_no_other() {
        let second = page(items(&["a", "c", "d"]), 2, Some("after-b")).expect("a page");
        assert_eq!(second.items, [json!("c"), json!("d")]);
    }

    #[test]
    fn a_full_last_page_has_no_token() {
        assert_eq!(page(items(&["a", "b"]), 2, None).expect("a page").next, None);
    }

    #[test]
    fn a_foreign_token_is_refused() {
        assert_eq!(page(items(&["a"]), 2, Some("eyJ2IjoiMSJ9")), None);
    }
}
