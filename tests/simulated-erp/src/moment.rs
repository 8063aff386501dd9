//! Instants as the ledger writes them.

use std::fmt;

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// An instant to the millisecond, written as RFC 3339 in UTC: `2025-03-04T05:06:07.089Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(DateTime<Utc>);

impl Moment {
    /// The system clock's time.
    pub fn now() -> Self {
        Self::from(Utc::now())
    }
}

impl From<DateTime<Utc>> for Moment {
    /// Drops what is below a millisecond.
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(3))
    }
}

impl From<Moment> for DateTime<Utc> {
    fn from(moment: Moment) -> Self {
        moment.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text)
            .map(|time| Self::from(time.to_utc()))
            .map_err(|error| {
                D::Error::custom(format!(
                    "`{text}` is not an RFC 3339 time such as 2025-03-04T05:06:07.089Z (encode a `+` as %2B): {error}"
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_to_the_millisecond() {
        let moment: Moment = serde_json::from_str("\"2025-03-04T07:06:07.0899+02:00\"").unwrap();

        assert_eq!(moment.to_string(), "2025-03-04T05:06:07.089Z");
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        assert!(serde_json::from_str::<Moment>("\"2025-03-04T07:06:07\"").is_err());
    }
}
