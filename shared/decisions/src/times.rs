//! Times as EC2 and our tags write them: RFC 3339, in UTC.

use std::time::{Duration, SystemTime};

/// The end of the year 9999, after which the format has no more digits.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// Reads `2026-01-05T06:12:31.000Z`, with or without fractions of a second.
pub fn instant(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

/// Writes `2026-01-05T06:12:31Z`. A time before 1970 or after 9999 becomes the nearest one that can be written.
pub fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(LAST);
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_its_text_to_the_second() {
        let time = instant("2026-01-05T06:12:31.250Z").expect("a time");
        assert_eq!(timestamp(time), "2026-01-05T06:12:31Z");
        assert_eq!(instant("2026-01-05T06:12:31Z"), Some(time - Duration::from_millis(250)));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "soon", "2026-01-05", "2026-01-05T06:12:31", "2026-13-05T06:12:31Z"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_written_becomes_the_nearest_that_can() {
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH + LAST * 2), "9999-12-31T23:59:59Z");
    }
}
