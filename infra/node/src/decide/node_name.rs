//! The name that the node has in the cluster, for as long as its datastore lives.

/// A name for the node, from the name of its group or of its record: the first that Kubernetes accepts, when it is
/// written in small letters and with hyphens. (Kubernetes, "Object Names and IDs": a DNS subdomain. Only its first 63
/// characters fit a label.)
pub fn choose(candidates: &[Option<&str>]) -> Option<String> {
    candidates.iter().flatten().find_map(|text| accepted(text))
}

fn accepted(text: &str) -> Option<String> {
    let written: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|character| if character == '_' || character == ' ' { '-' } else { character })
        .collect();
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    (written.len() <= 63 && written.split('.').all(is_part)).then_some(written)
}
