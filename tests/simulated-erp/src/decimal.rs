//! Exact decimals, always strings in JSON.

use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The largest absolute value of an [`Amount`].
const MAX_AMOUNT: Decimal = Decimal::from_parts(276_447_231, 23_283, 0, false, 2);

/// The largest absolute value of a [`Measure`].
const MAX_MEASURE: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 3);

/// Money with exactly two decimals, at most 999,999,999,999.99 either way, in the record's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

/// A quantity or a percentage with up to three decimals, at most 1,000,000 either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Measure(Decimal);

/// A text that is not the decimal it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDecimalError {
    /// Not digits with an optional point and sign.
    #[error("`{0}` is not a decimal; write it like \"12.50\"")]
    NotDecimal(String),
    /// More decimals than the ledger keeps.
    #[error("`{text}` has more than {allowed} decimals; round it first")]
    TooPrecise {
        /// The text as it came.
        text: String,
        /// How many decimals the ledger keeps.
        allowed: u32,
    },
    /// Beyond what the ledger can keep.
    #[error("`{text}` is beyond {limit}, the largest value the ledger keeps")]
    TooLarge {
        /// The text as it came.
        text: String,
        /// The largest absolute value.
        limit: Decimal,
    },
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// An amount of whole minor units: `from_cents(1250)` is 12.50.
    pub fn from_cents(cents: i64) -> Self {
        Self(Decimal::new(cents, 2))
    }

    /// The exact value.
    pub fn value(self) -> Decimal {
        self.0
    }

    /// This unit price times a quantity, half a cent rounded away from zero.
    pub(crate) fn times(self, quantity: Measure) -> Self {
        Self::rounded(self.0 * quantity.0)
    }

    /// This many per cent of the amount, half a cent rounded away from zero.
    pub(crate) fn percent(self, percent: Measure) -> Self {
        Self::rounded(self.0 * percent.0 / Decimal::ONE_HUNDRED)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    fn rounded(value: Decimal) -> Self {
        Self(value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }
}

impl Measure {
    /// A measure of whole thousandths: `from_thousandths(5500)` is 5.5.
    pub fn from_thousandths(thousandths: i64) -> Self {
        Self(Decimal::new(thousandths, 3))
    }

    /// The exact value.
    pub fn value(self) -> Decimal {
        self.0
    }
}

impl FromStr for Amount {
    type Err = ParseDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, 2, MAX_AMOUNT).map(Self)
    }
}

impl FromStr for Measure {
    type Err = ParseDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, 3, MAX_MEASURE).map(Self)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.2}", self.0)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(formatter)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

fn parse(text: &str, decimals: u32, limit: Decimal) -> Result<Decimal, ParseDecimalError> {
    let value = Decimal::from_str_exact(text).map_err(|_| ParseDecimalError::NotDecimal(text.to_owned()))?;
    if value.normalize().scale() > decimals {
        return Err(ParseDecimalError::TooPrecise { text: text.to_owned(), allowed: decimals });
    }
    if limit < value.abs() {
        return Err(ParseDecimalError::TooLarge { text: text.to_owned(), limit });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_always_has_two_decimals() {
        for (input, expected) in [("5", "5.00"), ("5.5", "5.50"), ("-0.07", "-0.07"), ("5.500", "5.50")] {
            assert_eq!(input.parse::<Amount>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_its_reason() {
        for (input, expected) in [
            ("5.505", "`5.505` has more than 2 decimals; round it first"),
            ("1e3", "`1e3` is not a decimal; write it like \"12.50\""),
            ("", "`` is not a decimal; write it like \"12.50\""),
            (
                "1000000000000.00",
                "`1000000000000.00` is beyond 999999999999.99, the largest value the ledger keeps",
            ),
        ] {
            assert_eq!(input.parse::<Amount>().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn half_a_cent_rounds_away_from_zero() {
        let percent = Measure::from_thousandths(5_000);

        assert_eq!(Amount::from_cents(10).percent(percent), Amount::from_cents(1));
        assert_eq!(Amount::from_cents(-10).percent(percent), Amount::from_cents(-1));
    }

    #[test]
    fn a_measure_is_written_without_trailing_zeros() {
        assert_eq!(Measure::from_thousandths(5_500).to_string(), "5.5");
        assert_eq!(Measure::from_thousandths(20_000).to_string(), "20");
    }

    #[test]
    fn a_json_number_is_not_an_amount() {
        assert!(serde_json::from_str::<Amount>("12.5").is_err());
    }
}
