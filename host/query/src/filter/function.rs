//! The functions of `$filter`.

use crate::filter::expression::named;

/// A function. Texts are counted in characters from 0; times are read in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Whether the first text has the second in it.
    Contains,
    /// Whether the first text starts with the second.
    StartsWith,
    /// Whether the first text ends with the second.
    EndsWith,
    /// The text in lower case.
    ToLower,
    /// The text in upper case.
    ToUpper,
    /// The text without white space at both ends.
    Trim,
    /// How many characters the text has.
    Length,
    /// Where the second text begins in the first; -1 when it does not.
    IndexOf,
    /// The text from a place on, with a third argument at most so many characters. A negative place is the
    /// beginning, a negative count is none.
    Substring,
    /// Two texts joined.
    Concat,
    /// The year of a timestamp or date.
    Year,
    /// The month, 1 to 12.
    Month,
    /// The day of the month, 1 to 31.
    Day,
    /// The hour of a timestamp or time, 0 to 23.
    Hour,
    /// The minute, 0 to 59.
    Minute,
    /// The whole second, 0 to 59.
    Second,
    /// The day of a timestamp.
    Date,
    /// The time of day of a timestamp.
    Time,
    /// The nearest whole number; halves away from zero.
    Round,
    /// The next whole number below.
    Floor,
    /// The next whole number above.
    Ceiling,
}

named!(
    Function,
    Contains = "contains",
    StartsWith = "startswith",
    EndsWith = "endswith",
    ToLower = "tolower",
    ToUpper = "toupper",
    Trim = "trim",
    Length = "length",
    IndexOf = "indexof",
    Substring = "substring",
    Concat = "concat",
    Year = "year",
    Month = "month",
    Day = "day",
    Hour = "hour",
    Minute = "minute",
    Second = "second",
    Date = "date",
    Time = "time",
    Round = "round",
    Floor = "floor",
    Ceiling = "ceiling"
);
