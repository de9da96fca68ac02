//! The filters of Describe calls.

use std::collections::BTreeMap;

use crate::wire::query::Params;
use crate::world::error::{ApiError, ApiResult};

/// All of them have to match.
#[derive(Debug)]
pub(super) struct Filters {
    filters: Vec<Filter>,
}

/// One of the values has to match.
#[derive(Debug)]
struct Filter {
    name: String,
    values: Vec<String>,
}

/// Of all filters of a call together. apache/druid#1954 has the text.
const VALUES_AT_MOST: usize = 200;

/// No tags, for things that have none here.
pub(super) static NO_TAGS: BTreeMap<String, String> = BTreeMap::new();

impl Filters {
    /// Reads the request's filters; names other than `known` are refused. With `tag` in `known`, `tag:KEY` and
    /// `tag-key` are understood, too.
    pub(super) fn parse(params: &Params, known: &[&str]) -> ApiResult<Filters> {
        let filters: Vec<Filter> = params
            .structures("Filter")
            .into_iter()
            .map(|filter| Ok(Filter { name: filter.required("Name")?.to_owned(), values: filter.list("Value") }))
            .collect::<ApiResult<_>>()?;
        if filters.iter().map(|filter| filter.values.len()).sum::<usize>() > VALUES_AT_MOST {
            let text = "The maximum number of filter values specified on a single call is 200";
            return Err(ApiError::new("FilterLimitExceeded", text));
        }
        for Filter { name, .. } in &filters {
            let about_tags = name.starts_with("tag:") || name == "tag-key";
            if !(known.contains(&name.as_str()) || (about_tags && known.contains(&"tag"))) {
                return Err(ApiError::new("InvalidParameterValue", format!("The filter '{name}' is invalid")));
            }
        }
        Ok(Filters { filters })
    }

    /// Whether something with these tags, and with the values that `values_of` gives for a filter's name, is meant.
    pub(super) fn match_all(&self, tags: &BTreeMap<String, String>, values_of: impl Fn(&str) -> Vec<String>) -> bool {
        self.filters.iter().all(|Filter { name, values }| {
            let actual = match name.strip_prefix("tag:") {
                Some(key) => tags.get(key).cloned().into_iter().collect(),
                None if name == "tag-key" => tags.keys().cloned().collect(),
                None => values_of(name),
            };
            actual.iter().any(|actual| values.iter().any(|pattern| wildcard_match(pattern, actual)))
        })
    }
}

/// `*` is any text, `?` any character, and a backslash takes either literally.
fn wildcard_match(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // reachable[i]: the pattern so far can match the first i characters.
    let mut reachable = vec![false; text.len() + 1];
    reachable[0] = true;
    let mut position = 0;
    while position < pattern.len() {
        let (symbol, literal) = match (pattern[position], pattern.get(position + 1)) {
            ('\\', Some(next)) => {
                position += 1;
                (*next, true)
            }
            (symbol, _) => (symbol, false),
        };
        position += 1;
        if symbol == '*' && !literal {
            let first = reachable.iter().position(|reached| *reached).unwrap_or(text.len() + 1);
            for reached in reachable.iter_mut().skip(first) {
                *reached = true;
            }
            continue;
        }
        for index in (0..text.len()).rev() {
            let matches = (symbol == '?' && !literal) || symbol == text[index];
            reachable[index + 1] = reachable[index] && matches;
        }
        reachable[0] = false;
    }
    reachable[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::query::Dialect;

    fn params(form: &str) -> Params {
        Params::new(Dialect::Ec2, form_urlencoded::parse(form.as_bytes()).into_owned().collect())
    }

    #[test]
    fn wildcards_match_as_ec2_has_them() {
        for (pattern, text, expected) in [
            ("running", "running", true),
            ("run*", "running", true),
            ("*ing", "running", true),
            ("r*n*g", "running", true),
            ("r?nning", "running", true),
            ("?", "", false),
            ("*", "", true),
            ("run", "running", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(wildcard_match(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn values_are_alternatives_and_filters_are_not() {
        let params =
            params("Filter.1.Name=status&Filter.1.Value.1=a&Filter.1.Value.2=b&Filter.2.Name=tag:k&Filter.2.Value.1=v");
        let filters = Filters::parse(&params, &["status", "tag"]).expect("filters");
        let tagged = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        assert!(filters.match_all(&tagged, |_| vec!["b".to_owned()]));
        assert!(!filters.match_all(&NO_TAGS, |_| vec!["b".to_owned()]));
        assert!(!filters.match_all(&tagged, |_| vec!["c".to_owned()]));
    }

    #[test]
    fn unknown_filters_are_refused() {
        let params = params("Filter.1.Name=colour&Filter.1.Value.1=red");
        let error = Filters::parse(&params, &["status"]).expect_err("refused");
        assert_eq!(error.message, "The filter 'colour' is invalid");
    }

    #[test]
    fn two_hundred_values_are_as_many_as_there_may_be() {
        let form = |first: usize, second: usize| {
            let values = |filter: usize, count: usize| -> String {
                (1..=count).map(|number| format!("&Filter.{filter}.Value.{number}=v{number}")).collect()
            };
            let names = "Filter.1.Name=status&Filter.2.Name=tag:k";
            params(&format!("{names}{}{}", values(1, first), values(2, second)))
        };
        assert!(Filters::parse(&form(150, 50), &["status", "tag"]).is_ok());
        let refused = Filters::parse(&form(150, 51), &["status", "tag"]).expect_err("too many");
        assert_eq!(refused.code, "FilterLimitExceeded");
    }
}
