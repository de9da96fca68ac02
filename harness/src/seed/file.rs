//! A world file: a seed as a person writes it. What is wrong with it is said with the field, its value, and what the field
//! takes. `harness/README.md` has the same table for readers.

#[cfg(test)]
mod tests;
mod twice;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::Value;

use super::{DEEDS, NodeSeed, Seed};
use crate::world::ec2::network::ZONES;
use twice::OnlyOnce;

/// A field of a world file, and of the structures in it.
struct Field {
    /// `nodes[].name`: the name of each node.
    place: &'static str,
    takes: &'static str,
    fits: fn(&Value) -> bool,
}

const FIELDS: [Field; 20] = [
    Field { place: "seed", takes: "a whole number from 0 to 18446744073709551615", fits: Value::is_u64 },
    Field {
        place: "start",
        takes: "a time from 2000 to 2099 such as \"2026-01-05T06:00:00Z\"",
        fits: |value| value.is_null() || is_time(value),
    },
    Field { place: "nodes", takes: "a list of at most 100 objects", fits: |value| is_list(value, MOST_NODES) },
    Field {
        place: "nodes[].name",
        takes: "1 to 128 letters, digits, dots, dashes and underscores, the first a letter or digit",
        fits: |value| is_text(value, |text| !text.starts_with(['.', '-', '_']) && is_made_of(text, 128, "._-")),
    },
    Field {
        place: "nodes[].zone",
        takes: "\"eu-central-1a\", \"eu-central-1b\" or \"eu-central-1c\"",
        fits: |value| is_text(value, |text| ZONES.contains(&text)),
    },
    Field {
        place: "nodes[].volume_gib",
        takes: "a whole number from 1 to 16384",
        fits: |value| is_number(value, 1, 16_384),
    },
    Field { place: "nodes[].record_name", takes: DOMAIN, fits: is_domain },
    Field { place: "nodes[].hosted_zone", takes: DOMAIN, fits: is_domain },
    Field {
        place: "nodes[].record_ttl_s",
        takes: "a whole number from 0 to 2147483647",
        fits: |value| value.is_null() || is_number(value, 0, 2_147_483_647),
    },
    Field {
        place: "nodes[].instance_type",
        takes: "a family, a dot and a size of EC2's, such as \"t3a.medium\"",
        fits: |value| value.is_null() || is_text(value, is_instance_type),
    },
    Field { place: "nodes[].capacity_rebalance", takes: FLAG, fits: is_flag },
    Field { place: "nodes[].spot", takes: FLAG, fits: is_flag },
    Field { place: "account", takes: "an object", fits: Value::is_object },
    Field {
        place: "account.recycle_bin_retention_s",
        takes: "a whole number from 86400 to 31536000",
        fits: |value| value.is_null() || is_number(value, 86_400, 31_536_000),
    },
    Field { place: "account.requests", takes: "an object", fits: Value::is_object },
    Field { place: "story", takes: "a list of at most 1000 objects", fits: |value| is_list(value, MOST_DEEDS) },
    Field {
        place: "story[].after_s",
        takes: "a number from 0 to 31536000",
        fits: |value| value.as_f64().is_some_and(|seconds| (0.0..=31_536_000.0).contains(&seconds)),
    },
    Field {
        place: "story[].does",
        takes: "a request such as \"interrupt?node=home\"",
        fits: |value| is_text(value, |text| DEEDS.contains(&text.split('?').next().unwrap_or_default())),
    },
    Field { place: "story[]", takes: "an object such as {\"after_s\": 60, \"does\": \"bake\"}", fits: is_deed },
    Field { place: "nodes[]", takes: "an object such as {} or {\"name\": \"home\"}", fits: Value::is_object },
];

const DOMAIN: &str = "a domain name such as \"k3s.durin.internal\"";
const FLAG: &str = "true or false";
const MOST_NODES: usize = 100;
const MOST_DEEDS: usize = 1000;

impl Seed {
    /// Reads a world file.
    ///
    /// # Errors
    /// One sentence about what is wrong.
    pub fn read(text: &str) -> Result<Seed, String> {
        let mut written: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        serde_json::from_str::<OnlyOnce>(text).map_err(|error| error.to_string())?;
        if !written.is_object() {
            return Err(format!(
                "a world is an object such as {{\"seed\": 1, \"nodes\": [{{}}]}}, not {}",
                shown(&written)
            ));
        }
        let nodes = written.get_mut("nodes").and_then(Value::as_array_mut);
        nodes.into_iter().flatten().for_each(name_record);
        check(&written, "", "")?;
        let seed: Seed = serde_json::from_value(written).map_err(|error| format!("account.requests: {error}"))?;
        seed.check_nodes()?;
        Ok(seed)
    }

    /// What no field shows alone.
    fn check_nodes(&self) -> Result<(), String> {
        for (number, node) in self.nodes.iter().enumerate() {
            if let Some(first) = self.nodes[..number].iter().position(|other| other.name == node.name) {
                let name = &node.name;
                return Err(format!(
                    "nodes[{number}].name is \"{name}\" like nodes[{first}].name; each node has a name of its own"
                ));
            }
            let (record, zone) = (&node.record_name, &node.hosted_zone);
            let [record, zone] = [record, zone].map(|name| name.trim_end_matches('.').to_ascii_lowercase());
            if record != zone && !record.ends_with(&format!(".{zone}")) {
                return Err(format!(
                    "nodes[{number}].record_name is \"{record}\"; it takes a name in the node's hosted_zone \"{zone}\""
                ));
            }
        }
        Ok(())
    }
}

/// A node that names no record has one of its own name in its zone: with one default for all, two nodes would share it.
fn name_record(node: &mut Value) {
    let NodeSeed { name, hosted_zone, .. } = NodeSeed::default();
    let Some(fields) = node.as_object_mut().filter(|fields| !fields.contains_key("record_name")) else { return };
    let text = |field: &str, default: String| fields.get(field).and_then(Value::as_str).map_or(default, str::to_owned);
    let record = format!("{}.{}", text("name", name), text("hosted_zone", hosted_zone));
    fields.insert("record_name".to_owned(), record.into());
}

/// Checks a structure's fields. `path` is where it is, `place` the same in the words of the table.
fn check(structure: &Value, path: &str, place: &str) -> Result<(), String> {
    let below = |parent: &str, name: &str| if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
    for (name, value) in structure.as_object().into_iter().flatten() {
        let (path, place) = (below(path, name), below(place, name));
        check_field(value, &path, &place)?;
        for (number, element) in value.as_array().into_iter().flatten().enumerate() {
            let (path, place) = (format!("{path}[{number}]"), format!("{place}[]"));
            check_field(element, &path, &place)?;
            check(element, &path, &place)?;
        }
        if value.is_object() && place != "account.requests" {
            check(value, &path, &place)?;
        }
    }
    Ok(())
}

fn check_field(value: &Value, path: &str, place: &str) -> Result<(), String> {
    match FIELDS.iter().find(|field| field.place == place) {
        Some(field) if (field.fits)(value) => Ok(()),
        Some(Field { takes, .. }) => Err(format!("{path} is {}; it takes {takes}", shown(value))),
        None => {
            let parent = place.rsplit_once('.').map_or("", |(parent, _)| parent);
            Err(format!("{path} is not a field; there are {}", fields_of(parent).join(", ")))
        }
    }
}

/// The names of the fields in a structure.
fn fields_of(parent: &str) -> Vec<&'static str> {
    let name = |field: &Field| match field.place.rsplit_once('.') {
        Some((its, name)) => (its == parent).then_some(name),
        None => (parent.is_empty() && !field.place.ends_with("[]")).then_some(field.place),
    };
    FIELDS.iter().filter_map(name).collect()
}

/// A value as it is written, unless that is long.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let written = value.to_string();
    match written.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &written[..end]),
        None => written,
    }
}

fn is_text(value: &Value, fits: impl Fn(&str) -> bool) -> bool {
    value.as_str().is_some_and(fits)
}

fn is_made_of(text: &str, longest: usize, besides: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || besides.contains(letter);
    (1..=longest).contains(&text.len()) && text.chars().all(is_allowed)
}

fn is_number(value: &Value, least: u64, most: u64) -> bool {
    value.as_u64().is_some_and(|number| (least..=most).contains(&number))
}

/// Without either field it would say nothing.
fn is_deed(value: &Value) -> bool {
    ["after_s", "does"].iter().all(|field| value.get(field).is_some())
}

fn is_flag(value: &Value) -> bool {
    value.is_null() || value.is_boolean()
}

fn is_list(value: &Value, most: usize) -> bool {
    value.as_array().is_some_and(|elements| elements.len() <= most)
}

fn is_time(value: &Value) -> bool {
    let parsed = value.as_str().and_then(|text| DateTime::from_str(text, Format::DateTimeWithOffset).ok());
    // From 2000-01-01T00:00:00Z to 2099-12-31T23:59:59Z.
    parsed.is_some_and(|time| (946_684_800..4_102_444_800).contains(&time.secs()))
}

/// RFC 1035: labels of 1 to 63 letters, digits and dashes; Route 53 takes underscores too.
fn is_domain(value: &Value) -> bool {
    is_text(value, |text| {
        let name = text.strip_suffix('.').unwrap_or(text);
        text.len() <= 253 && name.split('.').count() > 1 && name.split('.').all(|label| is_made_of(label, 63, "-_"))
    })
}

/// EC2 User Guide (naming conventions): `m7i-flex.large`, `u-6tb1.56xlarge`, `c7i.metal-24xl`.
fn is_instance_type(text: &str) -> bool {
    const SIZES: [&str; 7] = ["nano", "micro", "small", "medium", "large", "xlarge", "metal"];
    let Some((family, size)) = text.split_once('.') else { return false };
    let is_lower = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_family =
        family.starts_with(|it: char| it.is_ascii_lowercase()) && family.contains(|it: char| it.is_ascii_digit());
    let many = size.strip_suffix("xlarge").or_else(|| size.strip_prefix("metal-")?.strip_suffix("xl"));
    let is_size = SIZES.contains(&size) || many.is_some_and(|number| number.parse::<u8>().is_ok());
    is_family && family.chars().all(is_lower) && is_size
}
