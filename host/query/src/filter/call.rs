//! The value of a function for its arguments' values.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::filter::Function;
use crate::scalar::{Scalar, Sensitivity, fold, folded};

/// The arguments of one call.
struct Arguments<'a> {
    values: &'a [Cow<'a, Scalar>],
    sensitivity: Sensitivity,
}

/// Applies a function. None when an argument is null or not what the function takes.
pub(super) fn call(
    function: Function,
    values: &[Cow<'_, Scalar>],
    sensitivity: Sensitivity,
) -> Option<Scalar> {
    let arguments = Arguments { values, sensitivity };
    Some(match function {
        Function::Contains => arguments.test(|text, part| text.contains(part))?,
        Function::StartsWith => arguments.test(|text, part| text.starts_with(part))?,
        Function::EndsWith => arguments.test(|text, part| text.ends_with(part))?,
        Function::IndexOf => arguments.index_of()?,
        Function::ToLower => arguments.text(0)?.to_lowercase().into(),
        Function::ToUpper => arguments.text(0)?.to_uppercase().into(),
        Function::Trim => arguments.text(0)?.trim().into(),
        Function::Length => count(arguments.text(0)?.chars()),
        Function::Substring => arguments.substring()?,
        Function::Concat => [arguments.text(0)?, arguments.text(1)?].concat().into(),
        Function::Year => arguments.date()?.year().into(),
        Function::Month => arguments.date()?.month().into(),
        Function::Day => arguments.date()?.day().into(),
        Function::Hour => arguments.time()?.hour().into(),
        Function::Minute => arguments.time()?.minute().into(),
        Function::Second => arguments.time()?.second().into(),
        Function::Date => arguments.date()?.into(),
        Function::Time => arguments.time()?.into(),
        Function::Round => {
            arguments.number(0)?.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).into()
        }
        Function::Floor => arguments.number(0)?.floor().into(),
        Function::Ceiling => arguments.number(0)?.ceil().into(),
    })
}

impl Arguments<'_> {
    fn value(&self, place: usize) -> Option<&Scalar> {
        self.values.get(place).map(Cow::as_ref)
    }

    fn text(&self, place: usize) -> Option<&str> {
        match self.value(place)? {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self, place: usize) -> Option<Decimal> {
        match self.value(place)? {
            Scalar::Number(number) => Some(*number),
            _ => None,
        }
    }

    fn timestamp(&self) -> Option<DateTime<Utc>> {
        match self.value(0)? {
            Scalar::Timestamp(time) => Some(*time),
            _ => None,
        }
    }

    fn date(&self) -> Option<NaiveDate> {
        match self.value(0)? {
            Scalar::Date(date) => Some(*date),
            _ => self.timestamp().map(|time| time.date_naive()),
        }
    }

    fn time(&self) -> Option<NaiveTime> {
        match self.value(0)? {
            Scalar::Time(time) => Some(*time),
            _ => self.timestamp().map(|time| time.time()),
        }
    }

    fn comparable(&self, place: usize) -> Option<Cow<'_, str>> {
        self.text(place).map(|text| match self.sensitivity {
            Sensitivity::Exact => Cow::Borrowed(text),
            Sensitivity::Folded => Cow::Owned(fold(text)),
        })
    }

    fn test(&self, holds: fn(&str, &str) -> bool) -> Option<Scalar> {
        Some(holds(&self.comparable(0)?, &self.comparable(1)?).into())
    }

    /// The place is counted in the text as it stands, whose fold may have more bytes and more characters.
    fn index_of(&self) -> Option<Scalar> {
        let Some(offset) = self.comparable(0)?.find(&*self.comparable(1)?) else { return Some((-1).into()) };
        let mut passed = 0;
        let before = self.text(0)?.chars().take_while(|character| {
            let width: usize = match self.sensitivity {
                Sensitivity::Exact => character.len_utf8(),
                Sensitivity::Folded => folded(character.encode_utf8(&mut [0; 4])).map(char::len_utf8).sum(),
            };
            passed += width;
            passed <= offset
        });
        Some(count(before))
    }

    fn substring(&self) -> Option<Scalar> {
        let start = place(self.number(1)?);
        let length = if self.values.len() > 2 { place(self.number(2)?) } else { usize::MAX };
        let part: String = self.text(0)?.chars().skip(start).take(length).collect();
        Some(part.into())
    }
}

/// A place or a count from a number: what is below zero is zero, a fraction is dropped.
fn place(number: Decimal) -> usize {
    if number.is_sign_negative() { 0 } else { number.to_usize().unwrap_or(usize::MAX) }
}

fn count(characters: impl Iterator<Item = char>) -> Scalar {
    u64::try_from(characters.count()).ok().into()
}
