//! Order-preserving index keys: bytes that compare as the values do.
//!
//! The key of several values is their encodings joined. No encoding is the beginning of another, so what follows a
//! value never disturbs its order, and all keys that begin with certain values lie between the joined encodings and
//! their [`successor`].
//!
//! | value | bytes |
//! |---|---|
//! | null | `00` |
//! | any other | `01`, then: |
//! | boolean | `00` or `01` |
//! | number | `00` below zero, `01` zero, `02` above; then exponent + 64 and two digits + 1 a byte, ended by `00`, all complemented below zero |
//! | text | UTF-8, folded unless exact, with `00` written `00 FF`; ended by `00 01` |
//! | timestamp | seconds since 1970 (8 bytes, sign bit flipped), nanoseconds (4) |
//! | date | days since the year 1 (4 bytes, sign bit flipped) |
//! | time | seconds since midnight (4), nanoseconds (4) |

use chrono::{Datelike, Timelike};
use rust_decimal::Decimal;

use crate::scalar::{Scalar, fold};
use crate::schema::ValueType;

const NULL: u8 = 0;
const PRESENT: u8 = 1;
/// Added to the exponent of a number, which lies between -28 and 29.
const EXPONENT_BIAS: i64 = 64;

/// The key of one value that is of the type, or null.
pub fn encode(value: &Scalar, value_type: ValueType) -> Vec<u8> {
    let mut key = Vec::new();
    encode_into(&mut key, value, value_type);
    key
}

/// Appends the key of one value.
pub fn encode_into(key: &mut Vec<u8>, value: &Scalar, value_type: ValueType) {
    key.push(if value.is_null() { NULL } else { PRESENT });
    match value {
        Scalar::Null => {}
        Scalar::Boolean(truth) => key.push(u8::from(*truth)),
        Scalar::Number(number) => encode_number(key, *number),
        Scalar::Text(text) => {
            encode_text(key, text, value_type);
            key.extend([0, 1]);
        }
        Scalar::Timestamp(time) => {
            key.extend(flip_sign_64(time.timestamp()));
            key.extend(time.timestamp_subsec_nanos().to_be_bytes());
        }
        Scalar::Date(date) => key.extend(flip_sign_32(date.num_days_from_ce())),
        Scalar::Time(time) => {
            key.extend(time.num_seconds_from_midnight().to_be_bytes());
            key.extend(time.nanosecond().to_be_bytes());
        }
    }
}

/// Where the keys of all texts that start with `prefix` begin. They end before its [`successor`].
pub(crate) fn encode_text_prefix(prefix: &str, value_type: ValueType) -> Vec<u8> {
    let mut key = vec![PRESENT];
    encode_text(&mut key, prefix, value_type);
    key
}

/// Where the keys of values that are not null begin.
pub(crate) const FIRST_PRESENT: [u8; 1] = [PRESENT];

/// The least bytes that are greater than all that begin with `prefix`. None when there are none: no byte of the
/// prefix is below `FF`.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut successor = prefix.get(..=last)?.to_vec();
    if let Some(byte) = successor.last_mut() {
        *byte += 1;
    }
    Some(successor)
}

fn encode_text(key: &mut Vec<u8>, text: &str, value_type: ValueType) {
    let mut append = |bytes: &[u8]| {
        for byte in bytes {
            key.push(*byte);
            if *byte == 0 {
                key.push(u8::MAX);
            }
        }
    };
    match value_type {
        ValueType::Text => append(fold(text).as_bytes()),
        _ => append(text.as_bytes()),
    }
}

/// A number that is not zero is 0.ddd times ten to the power of an exponent; its first digit is not zero.
fn encode_number(key: &mut Vec<u8>, number: Decimal) {
    let number = number.normalize();
    if number.is_zero() {
        key.push(1);
        return;
    }
    let digits = number.mantissa().unsigned_abs().to_string();
    let exponent = i64::try_from(digits.len()).unwrap_or(0) - i64::from(number.scale()) + EXPONENT_BIAS;
    let mut magnitude = vec![u8::try_from(exponent).unwrap_or(u8::MAX)];
    for pair in digits.as_bytes().chunks(2) {
        let (tens, ones) =
            (pair.first().map_or(0, |digit| digit - b'0'), pair.get(1).map_or(0, |digit| digit - b'0'));
        magnitude.push(tens * 10 + ones + 1);
    }
    magnitude.push(0);
    if number.is_sign_negative() {
        key.push(0);
        key.extend(magnitude.into_iter().map(|byte| !byte));
    } else {
        key.push(2);
        key.extend(magnitude);
    }
}

#[expect(clippy::cast_sign_loss, reason = "the bits are meant")]
fn flip_sign_64(number: i64) -> [u8; 8] {
    ((number as u64) ^ (1 << 63)).to_be_bytes()
}

#[expect(clippy::cast_sign_loss, reason = "the bits are meant")]
fn flip_sign_32(number: i32) -> [u8; 4] {
    ((number as u32) ^ (1 << 31)).to_be_bytes()
}
