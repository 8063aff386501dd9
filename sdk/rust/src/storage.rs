//! Small state that outlives a call, as JSON.
//!
//! What is [`set`] or [`delete`]d is kept together with the next page that a pull commits, or when the call succeeds.
//! A [`compare_and_swap`] is kept at once.

use std::collections::VecDeque;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::mortise::plugin::storage as contract;
use crate::bindings::mortise::plugin::types::Content;
use crate::error::{Error, Result};
use crate::host;

/// How many keys are asked for at a time. The contract allows 1000.
const KEYS_PER_PAGE: u32 = 500;

/// An opaque mark of one state of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision(String);

/// A stored value and the state it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<T> {
    /// The value.
    pub value: T,
    /// The state.
    pub revision: Revision,
}

/// How a compare-and-swap ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap<T> {
    /// The value was written.
    Swapped(Revision),
    /// The key holds something else: this.
    Changed(Entry<T>),
    /// The key does not exist any more.
    Missing,
}

/// Reads a key. None means it does not exist.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    Ok(entry(key)?.map(|entry| entry.value))
}

/// Reads a key with the state it is at.
pub fn entry<T: DeserializeOwned>(key: &str) -> Result<Option<Entry<T>>> {
    host::storage::get(key)?.map(|entry| read(key, &entry)).transpose()
}

/// Writes a key, whatever it held. At most 256 KiB of JSON.
pub fn set(key: &str, value: &(impl Serialize + ?Sized)) -> Result<Revision> {
    host::storage::set(key, &write(key, value)?).map(Revision)
}

/// Removes a key. Removing what is not there succeeds.
pub fn delete(key: &str) -> Result<()> {
    host::storage::delete(key)
}

/// Writes a key only if it still is at `expected`. None expects that it does not exist.
pub fn compare_and_swap<T: Serialize + DeserializeOwned>(
    key: &str,
    expected: Option<&Revision>,
    value: &T,
) -> Result<Swap<T>> {
    let expected = expected.map(|revision| revision.0.as_str());
    Ok(match host::storage::compare_and_swap(key, expected, &write(key, value)?)? {
        contract::Swap::Swapped(revision) => Swap::Swapped(Revision(revision)),
        contract::Swap::Changed(entry) => Swap::Changed(read(key, &entry)?),
        contract::Swap::Missing => Swap::Missing,
    })
}

/// The keys that start with `prefix`, in byte order, read as they are asked for.
pub fn keys(prefix: &str) -> Keys<'_> {
    Keys { prefix, read: VecDeque::new(), next: Next::First }
}

/// See [`keys`].
#[derive(Debug)]
pub struct Keys<'a> {
    prefix: &'a str,
    read: VecDeque<String>,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    After(String),
    Nothing,
}

impl Iterator for Keys<'_> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        while self.read.is_empty() {
            let cursor = match &self.next {
                Next::First => None,
                Next::After(cursor) => Some(cursor.as_str()),
                Next::Nothing => return None,
            };
            match host::storage::list_keys(self.prefix, cursor, KEYS_PER_PAGE) {
                Ok(page) => {
                    self.read.extend(page.keys);
                    self.next = page.cursor.map_or(Next::Nothing, Next::After);
                }
                Err(error) => {
                    self.next = Next::Nothing;
                    return Some(Err(error));
                }
            }
        }
        self.read.pop_front().map(Ok)
    }
}

fn write(key: &str, value: &(impl Serialize + ?Sized)) -> Result<Content> {
    serde_json::to_string(value).map(Content::Text).map_err(|error| {
        Error::failed("unwritable-value", format!("what `{key}` is to hold is not JSON: {error}"))
    })
}

fn read<T: DeserializeOwned>(key: &str, entry: &contract::Entry) -> Result<Entry<T>> {
    match serde_json::from_slice(entry.value.as_bytes()) {
        Ok(value) => Ok(Entry { value, revision: Revision(entry.revision.clone()) }),
        Err(error) => {
            let message = format!("what `{key}` holds is not what this release expects: {error}");
            Err(Error::failed("unreadable-value", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Host;

    #[test]
    fn a_value_comes_back_as_it_was_written() {
        Host::new().run(|| {
            assert_eq!(get::<Vec<u32>>("seen"), Ok(None));
            set("seen", &[1, 2]).unwrap();
            assert_eq!(get("seen"), Ok(Some(vec![1, 2])));
            delete("seen").unwrap();
            assert_eq!(get::<Vec<u32>>("seen"), Ok(None));
        });
    }

    #[test]
    fn a_swap_that_lost_the_race_tells_what_the_key_holds() {
        Host::new().run(|| {
            let Swap::Swapped(first) = compare_and_swap("lock", None, &1).unwrap() else { panic!() };
            let Swap::Swapped(second) = compare_and_swap("lock", Some(&first), &2).unwrap() else { panic!() };
            let held = Entry { value: 2, revision: second };
            assert_eq!(compare_and_swap("lock", Some(&first), &3), Ok(Swap::Changed(held.clone())));
            assert_eq!(compare_and_swap("lock", None, &3), Ok(Swap::Changed(held)));
            assert_eq!(compare_and_swap("gone", Some(&first), &3), Ok(Swap::Missing));
        });
    }

    #[test]
    fn keys_are_listed_in_order_across_pages() {
        Host::new().run(|| {
            for number in 0..1_203 {
                set(&format!("k/{number:04}"), &number).unwrap();
            }
            set("other", &0).unwrap();
            let listed: Vec<_> = keys("k/").map(Result::unwrap).collect();
            assert_eq!(listed.len(), 1_203);
            assert!(listed.is_sorted());
            assert_eq!(listed.last().unwrap(), "k/1202");
        });
    }
}
