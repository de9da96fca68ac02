//! The settings of the prune, from the environment.

use std::time::Duration;

use durin::ami::prune::Policy;

const DAY: Duration = Duration::from_secs(86_400);

/// A policy, and whether this is a dry run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub policy: Policy,
    /// Plan, and remove nothing.
    pub dry_run: bool,
}

/// A setting that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {name} is {value:?}, not {expected}")]
pub struct SettingsError {
    name: &'static str,
    value: String,
    expected: &'static str,
}

impl Settings {
    /// Reads the settings from environment variables, which `variable` looks up: `DURIN_KEEP_NEWEST` (images),
    /// `DURIN_KEEP_DAYS`, `DURIN_SOAK_DAYS` and `DURIN_DRY_RUN` (`true` or `false`).
    ///
    /// # Errors
    /// When one is set to something else. Its default is not used instead: a value that was set was set on purpose.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let default = Policy::default();
        let number = |name: &'static str| match variable(name) {
            None => Ok(None),
            Some(value) => match value.parse::<u32>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(SettingsError { name, value, expected: "a whole number from 0 to 4294967295" }),
            },
        };
        let dry_run = match variable("DURIN_DRY_RUN").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                let value = other.to_owned();
                return Err(SettingsError { name: "DURIN_DRY_RUN", value, expected: "true or false" });
            }
        };
        let days = |days: u32| DAY.saturating_mul(days);
        let policy = Policy {
            keep_newest: number("DURIN_KEEP_NEWEST")?.map_or(default.keep_newest, |newest| newest as usize),
            keep_younger: number("DURIN_KEEP_DAYS")?.map_or(default.keep_younger, days),
            soak: number("DURIN_SOAK_DAYS")?.map_or(default.soak, days),
        };
        Ok(Settings { policy, dry_run })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn what_is_not_set_has_its_default() {
        let settings = Settings::read(|_| None).expect("defaults");
        assert_eq!(settings, Settings { policy: Policy::default(), dry_run: false });
    }

    #[test]
    fn what_is_set_counts() {
        let values = [("DURIN_KEEP_NEWEST", "5"), ("DURIN_SOAK_DAYS", "0"), ("DURIN_DRY_RUN", "true")];
        let settings =
            Settings::read(|name| values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string()));
        let policy = Policy { keep_newest: 5, soak: Duration::ZERO, ..Policy::default() };
        assert_eq!(settings.expect("good settings"), Settings { policy, dry_run: true });
    }

    #[rstest]
    #[case::words("DURIN_KEEP_NEWEST", "three")]
    #[case::negative("DURIN_KEEP_DAYS", "-1")]
    #[case::empty("DURIN_SOAK_DAYS", "")]
    #[case::yes("DURIN_DRY_RUN", "yes")]
    fn a_mistake_is_named(#[case] name: &'static str, #[case] value: &str) {
        let error = Settings::read(|asked| (asked == name).then(|| value.to_owned())).expect_err("a mistake");
        assert!(error.to_string().contains(name), "{error}");
    }
}
