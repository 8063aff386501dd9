//! Cron lines: five or six fields, standard weekdays, time zones.
//!
//! Fields: `[second] minute hour day-of-month month day-of-week`. Sunday is 0 or 7; names such as `MON` and `JAN`,
//! lists, ranges and steps are understood. When both days are given, either may match, as in Vixie cron.
//!
//! Where clocks change, a line that names hours runs once per local time: a local time that is left out runs when
//! the clock has moved past it, one that comes twice runs the first time. A line that runs in every hour (its hour
//! starts with `*`) keeps its pace through the change.

use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use mortise_model::clock::Timestamp;

/// Longest cron line, in bytes.
const MAX_LENGTH: usize = 200;
/// Local times looked at for one answer: more than the seconds of [`longest_repeat`].
const MAX_STEPS: usize = 20_000;

/// A cron line that was understood.
#[derive(Debug, Clone)]
pub struct Cron {
    pattern: croner::Cron,
    pace: Pace,
}

/// What a line keeps to where clocks change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Each local time once.
    LocalTime,
    /// Every hour, as hours pass.
    EveryHour,
}

/// Why a text is not a cron line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It has another number of fields.
    #[error(
        "a cron line has five fields (minute hour day-of-month month day-of-week) or six (second first), this one has {0}"
    )]
    Fields(usize),
    /// It is longer than any sensible line.
    #[error("a cron line has at most {MAX_LENGTH} characters")]
    TooLong,
    /// A field is not understood.
    #[error("the {field} `{text}` is not valid: {reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// What it says.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The fields are valid one by one, but no day has them all: the 30th of February.
    #[error("`{0}` never happens: no date matches it")]
    Never(String),
}

const FIELDS: [&str; 6] = ["second", "minute", "hour", "day of the month", "month", "day of the week"];

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        if text.len() > MAX_LENGTH {
            return Err(CronError::TooLong);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let with_seconds = match fields.len() {
            5 => std::iter::once("0").chain(fields.iter().copied()).collect::<Vec<_>>(),
            6 => fields,
            other => return Err(CronError::Fields(other)),
        };
        for (place, field) in with_seconds.iter().enumerate() {
            check_field(place, field)?;
        }
        let line = with_seconds.join(" ");
        let pattern =
            parse(&line).map_err(|reason| CronError::Field { field: "line", text: line.clone(), reason })?;
        let pace = match with_seconds.get(2) {
            Some(hour) if hour.starts_with('*') => Pace::EveryHour,
            _ => Pace::LocalTime,
        };
        let cron = Self { pattern, pace };
        let somewhen = DateTime::UNIX_EPOCH.naive_utc();
        cron.next_local(somewhen).ok_or_else(|| CronError::Never(text.trim().to_owned()))?;
        Ok(cron)
    }
}

/// Parses one field alone, so that the error can name it.
fn check_field(place: usize, text: &str) -> Result<(), CronError> {
    let field = FIELDS.get(place).copied().unwrap_or("field");
    let mut alone = ["0", "0", "0", "1", "1", "*"];
    if let Some(slot) = alone.get_mut(place) {
        *slot = text;
    }
    parse(&alone.join(" ")).map(|_| ()).map_err(|reason| CronError::Field {
        field,
        text: text.to_owned(),
        reason,
    })
}

fn parse(line: &str) -> Result<croner::Cron, String> {
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Disallowed)
        .build()
        .parse(line)
        .map_err(|error| error.to_string())
}

impl Cron {
    /// The first occurrence after a time, in a time zone. None when there is none before the year 5000.
    pub fn next_after(&self, after: Timestamp, zone: Tz) -> Option<Timestamp> {
        let after = after.to_utc();
        match self.pace {
            Pace::LocalTime => self.next_by_local_time(after, zone),
            Pace::EveryHour => self.next_by_elapsed_time(after, zone),
        }
        .map(Timestamp::from)
    }

    fn next_local(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.pattern.find_next_occurrence(&after, false).ok()
    }

    fn next_by_local_time(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        // A local time that was left out happens after local times that are later than it by name.
        let mut local = after.with_timezone(&zone).naive_local() - longest_repeat();
        for _ in 0..MAX_STEPS {
            local = self.next_local(local)?;
            let instant = first_instant(local, zone)?;
            if instant > after {
                return Some(instant);
            }
        }
        None
    }

    fn next_by_elapsed_time(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let mut after = after;
        for _ in 0..MAX_STEPS {
            let offset = zone.offset_from_utc_datetime(&after.naive_utc()).fix();
            let local = self.next_local(after.with_timezone(&offset).naive_local())?;
            let instant = offset.from_local_datetime(&local).single()?.with_timezone(&Utc);
            let offset_then = zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
            if offset_then == offset {
                return Some(instant);
            }
            // The clock changes on the way: go on from just before the change, by the clock of after it.
            let change = change_between(after, instant, zone);
            let new_offset = zone.offset_from_utc_datetime(&change.naive_utc()).fix();
            let at_change = change.with_timezone(&new_offset).naive_local();
            let local = self.pattern.find_next_occurrence(&at_change, true).ok()?;
            let instant = new_offset.from_local_datetime(&local).single()?.with_timezone(&Utc);
            if zone.offset_from_utc_datetime(&instant.naive_utc()).fix() == new_offset {
                return Some(instant);
            }
            after = change;
        }
        None
    }
}

/// Clocks that are set back for summer time go back by two hours at most.
fn longest_repeat() -> TimeDelta {
    TimeDelta::hours(3)
}

/// No clock change of the time zone database is longer than a day.
fn longest_change() -> TimeDelta {
    TimeDelta::days(1)
}

/// The first instant that has this local time; for one that is left out, as far past the change as it would be.
fn first_instant(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(instant) | MappedLocalTime::Ambiguous(instant, _) => {
            Some(instant.with_timezone(&Utc))
        }
        MappedLocalTime::None => {
            let before = zone.offset_from_utc_datetime(&(local - longest_change())).fix();
            before.from_local_datetime(&local).single().map(|instant| instant.with_timezone(&Utc))
        }
    }
}

/// The first second after `from` at which the zone's offset is another, known to be at or before `to`.
fn change_between(from: DateTime<Utc>, to: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let offset = zone.offset_from_utc_datetime(&from.naive_utc()).fix();
    let (mut low, mut high) = (from.timestamp(), to.timestamp());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let at_middle = DateTime::from_timestamp(middle, 0).unwrap_or(to);
        if zone.offset_from_utc_datetime(&at_middle.naive_utc()).fix() == offset {
            low = middle;
        } else {
            high = middle;
        }
    }
    DateTime::from_timestamp(high, 0).unwrap_or(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurrences(line: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let cron: Cron = line.parse().unwrap();
        let zone: Tz = zone.parse().unwrap();
        let mut after: Timestamp = after.parse().unwrap();
        (0..count)
            .map(|_| {
                after = cron.next_after(after, zone).unwrap();
                after.to_utc().format("%Y-%m-%dT%H:%M:%S").to_string()
            })
            .collect()
    }

    #[test]
    fn lines_happen_when_they_say() {
        for (line, zone, after, expected) in [
            ("*/15 * * * *", "UTC", "2026-03-01T10:07:00Z", "2026-03-01T10:15:00"),
            ("*/10 * * * * *", "UTC", "2026-03-01T10:07:01Z", "2026-03-01T10:07:10"),
            ("0 9 * * 1", "UTC", "2026-03-01T00:00:00Z", "2026-03-02T09:00:00"),
            ("0 9 * * 0", "UTC", "2026-03-01T09:00:00Z", "2026-03-08T09:00:00"),
            ("0 9 * * 7", "UTC", "2026-03-01T09:00:00Z", "2026-03-08T09:00:00"),
            ("0 9 * * MON-FRI", "UTC", "2026-03-06T09:00:00Z", "2026-03-09T09:00:00"),
            ("0 0 1 JAN *", "UTC", "2026-03-01T00:00:00Z", "2027-01-01T00:00:00"),
            ("0 0 29 2 *", "UTC", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00"),
            ("0 0 13 * 5", "UTC", "2026-03-01T00:00:00Z", "2026-03-06T00:00:00"),
            ("0 9 * * *", "Europe/Athens", "2026-01-15T00:00:00Z", "2026-01-15T07:00:00"),
            ("0 9 * * *", "Europe/Athens", "2026-07-15T00:00:00Z", "2026-07-15T06:00:00"),
        ] {
            assert_eq!(occurrences(line, zone, after, 1), [expected], "{line} {zone} {after}");
        }
    }

    #[test]
    fn a_local_time_that_is_left_out_happens_once_after_the_change() {
        // Athens skips 03:00 to 04:00 on 29 March 2026, at 01:00 UTC.
        assert_eq!(
            occurrences("30 3 * * *", "Europe/Athens", "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T01:30:00", "2026-03-29T01:30:00", "2026-03-30T00:30:00"]
        );
        assert_eq!(
            occurrences("30 3,4 29 3 *", "Europe/Athens", "2026-03-29T00:00:00Z", 2),
            ["2026-03-29T01:30:00", "2027-03-29T00:30:00"]
        );
    }

    #[test]
    fn a_local_time_that_comes_twice_happens_the_first_time() {
        // Athens repeats 03:00 to 04:00 on 25 October 2026, at 01:00 UTC.
        assert_eq!(
            occurrences("30 3 * * *", "Europe/Athens", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]
        );
        assert_eq!(
            occurrences("30 3 * * *", "Europe/Athens", "2026-10-25T01:15:00Z", 1),
            ["2026-10-26T01:30:00"]
        );
    }

    #[test]
    fn a_line_of_every_hour_keeps_its_pace_through_a_change() {
        assert_eq!(
            occurrences("*/30 * * * *", "Europe/Athens", "2026-10-25T00:00:00Z", 5),
            [
                "2026-10-25T00:30:00",
                "2026-10-25T01:00:00",
                "2026-10-25T01:30:00",
                "2026-10-25T02:00:00",
                "2026-10-25T02:30:00"
            ]
        );
        assert_eq!(
            occurrences("*/30 * * * *", "Europe/Athens", "2026-03-29T00:15:00Z", 4),
            ["2026-03-29T00:30:00", "2026-03-29T01:00:00", "2026-03-29T01:30:00", "2026-03-29T02:00:00"]
        );
    }

    #[test]
    fn a_change_at_midnight_does_not_lose_the_day() {
        // Cairo skips 00:00 to 01:00 on 24 April 2026.
        assert_eq!(
            occurrences("0 0 * * *", "Africa/Cairo", "2026-04-23T00:00:00Z", 2),
            ["2026-04-23T22:00:00", "2026-04-24T21:00:00"]
        );
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told_by_field() {
        for (line, part) in [
            ("", "this one has 0"),
            ("* * * *", "this one has 4"),
            ("* * * * * * *", "this one has 7"),
            ("61 * * * *", "the minute `61`"),
            ("* 24 * * *", "the hour `24`"),
            ("* * 32 * *", "the day of the month `32`"),
            ("* * * 13 *", "the month `13`"),
            ("* * * * 8", "the day of the week `8`"),
            ("x * * * *", "the minute `x`"),
            ("*/0 * * * *", "the minute `*/0`"),
            ("0 0 30 2 *", "never happens"),
        ] {
            let message = line.parse::<Cron>().unwrap_err().to_string();
            assert!(message.contains(part), "{line}: {message}");
        }
        assert_eq!("* ".repeat(101).parse::<Cron>().unwrap_err(), CronError::TooLong);
    }

    proptest::proptest! {
        #[test]
        fn an_occurrence_is_always_later(minute in 0u32..60, hour in 0u32..24, seconds in 0i64..2_000_000_000) {
            let cron: Cron = format!("{minute} {hour} * * *").parse().unwrap();
            let after = Timestamp::from_millis(seconds * 1000);
            for zone in [Tz::Europe__Athens, Tz::America__New_York, Tz::Australia__Lord_Howe] {
                let next = cron.next_after(after, zone).unwrap();
                proptest::prop_assert!(next > after);
                proptest::prop_assert!(next.since(after) <= std::time::Duration::from_hours(26));
            }
        }

        #[test]
        fn any_text_is_understood_or_refused(text in ".{0,60}") {
            let _ = text.parse::<Cron>();
        }
    }
}
