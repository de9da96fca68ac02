//! Commands that a message gives to a person, who copies them: one command each, whatever a group is called. Auto Scaling
//! allows nearly any printable character in a name.

use crate::tags::NODE;

/// A word, as a shell reads it back.
pub fn quoted(word: &str) -> String {
    if is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The argument of `aws ec2 create-tags --tags` that gives a volume to a node. A comma ends a value in the short form.
pub fn node_tag(group: &str) -> String {
    if is_plain(group) {
        return format!("'Key={NODE},Value={group}'");
    }
    let value = group.replace('\\', r"\\").replace('"', r#"\""#);
    quoted(&format!(r#"[{{"Key": "{NODE}", "Value": "{value}"}}]"#))
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.' | '/' | '+'))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("k3s-1", "k3s-1", "'Key=durin:node,Value=k3s-1'")]
    #[case::nothing("", "''", r#"'[{"Key": "durin:node", "Value": ""}]'"#)]
    #[case::a_space("a b", "'a b'", r#"'[{"Key": "durin:node", "Value": "a b"}]'"#)]
    #[case::a_comma("a,b", "'a,b'", r#"'[{"Key": "durin:node", "Value": "a,b"}]'"#)]
    #[case::a_substitution("$(reboot)", "'$(reboot)'", r#"'[{"Key": "durin:node", "Value": "$(reboot)"}]'"#)]
    #[case::a_quotation_mark("a';b", r"'a'\'';b'", r#"'[{"Key": "durin:node", "Value": "a'\'';b"}]'"#)]
    #[case::json(r#"a"\"#, r#"'a"\'"#, r#"'[{"Key": "durin:node", "Value": "a\"\\"}]'"#)]
    fn a_name_stays_one_word(#[case] name: &str, #[case] word: &str, #[case] tag: &str) {
        assert_eq!((quoted(name).as_str(), node_tag(name).as_str()), (word, tag));
    }
}
