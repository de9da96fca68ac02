//! Names and ids from outside, checked once: a value of one of these types is a well-formed, short string.

use std::fmt;

use serde::Deserialize;

/// A string that is not the id or name that it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{shown:?} is not {expected}")]
pub struct Malformed {
    expected: &'static str,
    shown: String,
}

macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $is_well_formed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the form.
            ///
            /// # Errors
            /// When the string has another form; the error shows at most its first 64 characters.
            pub fn new(text: impl Into<String>) -> Result<Self, Malformed> {
                let text = text.into();
                let is_well_formed: fn(&str) -> bool = $is_well_formed;
                if is_well_formed(&text) {
                    Ok(Self(text))
                } else {
                    Err(Malformed { expected: $expected, shown: text.chars().take(64).collect() })
                }
            }

            /// As AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Malformed;
            fn try_from(text: String) -> Result<Self, Malformed> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_string!(
    /// An EC2 instance: `i-` and 8 or 17 hexadecimal digits.
    InstanceId,
    "an instance id (i- and 8 or 17 hexadecimal digits)",
    |text| is_hex_id(text, "i-")
);

checked_string!(
    /// An EBS volume: `vol-` and 8 or 17 hexadecimal digits.
    VolumeId,
    "a volume id (vol- and 8 or 17 hexadecimal digits)",
    |text| is_hex_id(text, "vol-")
);

checked_string!(
    /// A machine image: `ami-` and 8 or 17 hexadecimal digits.
    ImageId,
    "an image id (ami- and 8 or 17 hexadecimal digits)",
    |text| is_hex_id(text, "ami-")
);

checked_string!(
    /// An EBS snapshot: `snap-` and 8 or 17 hexadecimal digits.
    SnapshotId,
    "a snapshot id (snap- and 8 or 17 hexadecimal digits)",
    |text| is_hex_id(text, "snap-")
);

checked_string!(
    /// A parameter of Parameter Store: 1 to 1,011 letters, digits and `.-_/`, and no version or label after a colon.
    ParameterName,
    "a parameter name (letters, digits, and . - _ /)",
    |text| {
        (1..=1011).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_/".contains(&byte))
    }
);

checked_string!(
    /// A Route 53 hosted zone: up to 32 upper-case letters and digits, without `/hostedzone/`.
    HostedZoneId,
    "a hosted zone id (up to 32 capital letters and digits, such as Z0123456789ABCDEFGHIJ)",
    |text| {
        (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    }
);

checked_string!(
    /// An Auto Scaling group: 1 to 255 printable characters.
    GroupName,
    "an Auto Scaling group name (1 to 255 printable characters)",
    |text| is_short_and_printable(text, 255)
);

checked_string!(
    /// A lifecycle hook: 1 to 255 printable characters.
    HookName,
    "a lifecycle hook name (1 to 255 printable characters)",
    |text| is_short_and_printable(text, 255)
);

checked_string!(
    /// The token that names one lifecycle action: a UUID.
    ActionToken,
    "a lifecycle action token (36 letters, digits and dashes)",
    |text| text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
);

checked_string!(
    /// A host name as Route 53 returns it: lower case, at most 255 characters, with the trailing dot.
    RecordName,
    "a host name (labels of lower-case letters, digits, dashes and underscores, with dots between)",
    |text| {
        let labels = text.strip_suffix('.').unwrap_or_default();
        text.len() <= 255 && labels.contains('.') && labels.split('.').all(is_label)
    }
);

impl ParameterName {
    /// The name of the parameter that this one reaches: Parameter Store takes the slash off a name that has no other.
    /// (hashicorp/terraform-provider-aws#49116)
    pub fn reached(&self) -> &str {
        self.0.strip_prefix('/').filter(|rest| !rest.contains('/')).unwrap_or(&self.0)
    }
}

impl RecordName {
    /// A name as a person writes it: any case, with or without the trailing dot.
    ///
    /// # Errors
    /// When it is not a host name of at least two labels.
    pub fn from_tag(text: &str) -> Result<RecordName, Malformed> {
        let absolute = format!("{}.", text.trim_end_matches('.').to_ascii_lowercase());
        RecordName::new(absolute)
    }
}

fn is_hex_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn is_short_and_printable(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::today("i-0123456789abcdef0", true)]
    #[case::before_2016("i-12345678", true)]
    #[case::capitals("i-0123456789ABCDEF0", false)]
    #[case::too_short("i-0123", false)]
    #[case::a_volume("vol-0123456789abcdef0", false)]
    #[case::empty("", false)]
    fn instance_ids(#[case] text: &str, #[case] well_formed: bool) {
        assert_eq!(InstanceId::new(text).is_ok(), well_formed);
    }

    #[rstest]
    #[case::plain("k3s.durin.internal", Some("k3s.durin.internal."))]
    #[case::absolute("k3s.durin.internal.", Some("k3s.durin.internal."))]
    #[case::capitals("K3s.Durin.Internal", Some("k3s.durin.internal."))]
    #[case::underscore("_api.durin.internal", Some("_api.durin.internal."))]
    #[case::one_label("k3s", None)]
    #[case::wildcard("*.durin.internal", None)]
    #[case::space("k3s durin.internal", None)]
    #[case::empty_label("k3s..internal", None)]
    fn record_names(#[case] tag: &str, #[case] name: Option<&str>) {
        assert_eq!(RecordName::from_tag(tag).ok().as_ref().map(RecordName::as_str), name);
    }

    #[rstest]
    #[case::plain("k3s", true)]
    #[case::with_spaces_and_accents("Küche no. 2", true)]
    #[case::as_long_as_aws_allows(&"a".repeat(255), true)]
    #[case::too_long(&"a".repeat(256), false)]
    #[case::empty("", false)]
    #[case::with_a_line_break("k3s\nk3s", false)]
    fn group_and_hook_names(#[case] text: &str, #[case] well_formed: bool) {
        assert_eq!(GroupName::new(text).is_ok(), well_formed);
        assert_eq!(HookName::new(text).is_ok(), well_formed);
    }

    #[rstest]
    #[case::plain("/durin/images/k3s", true)]
    #[case::with_a_version("/durin/images/k3s:3", false)]
    #[case::with_a_space("/durin/images k3s", false)]
    #[case::too_long(&"a".repeat(1012), false)]
    #[case::empty("", false)]
    fn parameter_names(#[case] text: &str, #[case] well_formed: bool) {
        assert_eq!(ParameterName::new(text).is_ok(), well_formed);
    }

    #[rstest]
    #[case::one_part("/k3s", "k3s")]
    #[case::without_a_slash("k3s", "k3s")]
    #[case::path("/durin/k3s", "/durin/k3s")]
    fn parameters_reached(#[case] written: &str, #[case] reached: &str) {
        assert_eq!(ParameterName::new(written).expect("a name").reached(), reached);
    }

    #[rstest]
    #[case::plain("Z0123456789ABCDEFGHIJ", true)]
    #[case::with_its_prefix("/hostedzone/Z0123456789ABC", false)]
    #[case::in_small_letters("z0123456789abc", false)]
    #[case::too_long("Z01234567890123456789012345678901", false)]
    #[case::empty("", false)]
    fn hosted_zone_ids(#[case] text: &str, #[case] well_formed: bool) {
        assert_eq!(HostedZoneId::new(text).is_ok(), well_formed);
    }

    #[rstest]
    #[case::a_uuid("87654321-4321-4321-4321-210987654321", true)]
    #[case::short("87654321", false)]
    #[case::with_a_quote("87654321'4321-4321-4321-210987654321", false)]
    fn action_tokens(#[case] text: &str, #[case] well_formed: bool) {
        assert_eq!(ActionToken::new(text).is_ok(), well_formed);
    }

    #[test]
    fn an_absurdly_long_id_is_shown_cut() {
        let error = InstanceId::new("i-".repeat(500_000)).expect_err("too long");
        assert!(error.to_string().len() < 200);
    }
}
