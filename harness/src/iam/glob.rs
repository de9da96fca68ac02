//! IAM's wildcards: `*` is any text, `?` is any one character.

/// A text with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(String);

impl Glob {
    pub(super) fn new(text: &str) -> Glob {
        Glob(text.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        matches(self.0.as_bytes(), text.as_bytes(), u8::eq)
    }

    /// Actions are the same in any case. (IAM User Guide, "Action".)
    pub(super) fn matches_action(&self, action: &str) -> bool {
        matches(self.0.as_bytes(), action.as_bytes(), u8::eq_ignore_ascii_case)
    }

    /// Each of the six parts between colons on its own, so that a wildcard does not reach into the next one; a lone `*`
    /// matches every ARN. (IAM User Guide, "ARN condition operators" and "Resource".)
    pub(super) fn matches_arn(&self, arn: &str) -> bool {
        if self.0 == "*" {
            return true;
        }
        let (mut patterns, mut parts) = (self.0.splitn(6, ':'), arn.splitn(6, ':'));
        loop {
            match (patterns.next(), parts.next()) {
                (None, None) => return true,
                (Some(pattern), Some(part)) if matches(pattern.as_bytes(), part.as_bytes(), u8::eq) => {}
                _ => return false,
            }
        }
    }
}

/// Greedy, with one place to come back to: the last star.
fn matches(pattern: &[u8], text: &[u8], same: fn(&u8, &u8) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += utf8_len(text[t]);
            }
            Some(byte) if same(byte, &text[t]) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = star else { return false };
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The length in bytes of the character that begins with `first`.
fn utf8_len(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, yes, no) in [
            ("vol-*", "vol-1", "xvol-1"),
            ("*", "", "-"),
            ("a?c", "abc", "ac"),
            ("a?c", "aüc", "abbc"),
            ("*-*-k3s", "a-b-c-k3s", "a-k3s"),
            ("**b", "aab", "aba"),
        ] {
            assert!(Glob::new(pattern).matches(yes), "{pattern} {yes}");
            assert!(pattern == "*" || !Glob::new(pattern).matches(no), "{pattern} {no}");
        }
        assert!(Glob::new("ec2:describe*").matches_action("ec2:DescribeVolumes"));
        assert!(!Glob::new("EC2").matches("ec2"));
    }

    #[test]
    fn a_wildcard_of_an_arn_stays_in_its_part() {
        let pattern = Glob::new("arn:aws:ec2:*:instance/*");
        assert!(!pattern.matches_arn("arn:aws:ec2:eu-central-1:123456789012:instance/i-1"));
        let pattern = Glob::new("arn:aws:ec2:*:123456789012:instance/*");
        assert!(pattern.matches_arn("arn:aws:ec2:eu-central-1:123456789012:instance/i-1"));
        let group = Glob::new("arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*");
        assert!(group.matches_arn("arn:aws:autoscaling:eu-central-1:1:autoScalingGroup:u-u:autoScalingGroupName/k3s"));
        assert!(Glob::new("*").matches_arn("arn:aws:ec2:eu-central-1::image/ami-1"));
        assert!(!Glob::new("arn:aws:ec2:*:*:volume/*").matches_arn("*"));
    }
}
