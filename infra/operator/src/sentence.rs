//! What is wrong, and what to do about it: two halves of one sentence.

use serde::Serialize;

/// Something that a person has to mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// A sentence.
    pub what: String,
    /// One thing to do; a command, where there is one.
    #[serde(rename = "do")]
    pub remedy: String,
}

impl Wrong {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Wrong {
        Wrong { what: sentence(&what.into()), remedy: remedy.into() }
    }

    /// Takes a message of the functions apart: they name the cure after a colon, or in a sentence that begins with "If". What
    /// they quote stands in parentheses.
    pub(crate) fn of_message(message: &str, otherwise: &str) -> Wrong {
        let condition = message.find(". If ").map(|place| (place, place + 2));
        let cure = colon(message).map(|place| (place, place + 2));
        match condition.into_iter().chain(cure).min() {
            Some((end, begin)) => Wrong::new(&message[..end], message[begin..].trim()),
            None => Wrong::new(message, otherwise),
        }
    }
}

/// The first colon before a space that is not in parentheses.
fn colon(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    text.char_indices().find_map(|(place, character)| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0 && text[place..].starts_with(": ")).then_some(place)
    })
}

/// Begins with a capital, unless it begins with an id or a name that has none, and ends with a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let first = text.split(' ').next().unwrap_or_default();
    let is_word = first.chars().all(char::is_alphabetic);
    let mut characters = text.chars();
    let begun = match characters.next() {
        Some(first) if is_word => first.to_uppercase().chain(characters).collect(),
        Some(_) | None => text.to_owned(),
    };
    if begun.ends_with(['.', '!', '?']) { begun } else { format!("{begun}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(message: &str) -> (String, String) {
        let Wrong { what, remedy } = Wrong::of_message(message, "look at it");
        (what, remedy)
    }

    #[test]
    fn a_message_names_its_cure_after_the_first_colon_outside_of_parentheses() {
        let (what, remedy) = taken("Route 53 refuses x (denied: no): correct the tags durin: and others");
        assert_eq!(
            (what.as_str(), remedy.as_str()),
            ("Route 53 refuses x (denied: no).", "correct the tags durin: and others")
        );
    }

    #[test]
    fn a_message_may_name_a_condition_first() {
        let (what, remedy) = taken("i-1 has let go. If it does not serve: aws ec2 reboot-instances --instance-ids i-1");
        assert_eq!(
            (what.as_str(), remedy.as_str()),
            ("i-1 has let go.", "If it does not serve: aws ec2 reboot-instances --instance-ids i-1")
        );
    }

    #[test]
    fn a_message_without_a_cure_gets_one() {
        assert_eq!(taken("the volume is away"), ("The volume is away.".to_owned(), "look at it".to_owned()));
    }
}
