//! A field that is given twice. `serde_json` takes the last one, and says nothing.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// JSON in which no object has a field twice. What else it is does not matter.
pub(super) struct OnlyOnce;

impl<'de> Deserialize<'de> for OnlyOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OnlyOnce, D::Error> {
        deserializer.deserialize_any(OnlyOnce)
    }
}

impl<'de> Visitor<'de> for OnlyOnce {
    type Value = OnlyOnce;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<OnlyOnce, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format!("{name} is given twice, the second time")));
            }
            names.insert(name);
            fields.next_value::<OnlyOnce>()?;
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<OnlyOnce, A::Error> {
        while elements.next_element::<OnlyOnce>()?.is_some() {}
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<OnlyOnce, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<OnlyOnce, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<OnlyOnce, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<OnlyOnce, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<OnlyOnce, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<OnlyOnce, E> {
        Ok(self)
    }
}
