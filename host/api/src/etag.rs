//! Entity tags and the conditions that name them (RFC 9110, sections 8.8 and 13).

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::problem::{Problem, kind};

/// The strong tag of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityTag(String);

impl EntityTag {
    /// The tag of a state that `text` names. `text` is ours: digits, letters and `-`.
    pub(crate) fn new(text: impl std::fmt::Display) -> Self {
        Self(format!("\"{text}\""))
    }

    /// As a header's value.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }

    /// Whether the caller has this state already.
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        lists(headers, &header::IF_NONE_MATCH)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.0)
    }

    /// Refuses a change that was meant for another state.
    pub(crate) fn require_match(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if !headers.contains_key(header::IF_MATCH)
            || lists(headers, &header::IF_MATCH).any(|tag| tag == "*" || tag == self.0)
        {
            return Ok(());
        }
        Err(outdated())
    }
}

impl std::fmt::Display for EntityTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the change is bound to a state.
pub(crate) fn is_conditional(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_MATCH)
}

/// The state that the change was meant for is gone.
pub(crate) fn outdated() -> Problem {
    Problem::new(&kind::PRECONDITION, "it changed since it was read: read it again and repeat the change")
}

/// A conflict of versions as the caller must see it: 412 when the change was bound to a state.
pub(crate) fn explain_change(problem: Problem, headers: &HeaderMap) -> Problem {
    if problem.kind().code == kind::CHANGED.code && is_conditional(headers) {
        problem.into_kind(&kind::PRECONDITION)
    } else {
        problem
    }
}

fn lists<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_change_is_taken_only_in_the_state_it_names() {
        let tag = EntityTag::new(7);
        for (value, taken) in
            [("\"7\"", true), ("*", true), ("\"6\", \"7\"", true), ("\"6\"", false), ("7", false)]
        {
            assert_eq!(tag.require_match(&headers(header::IF_MATCH, value)).is_ok(), taken, "{value}");
        }
        assert!(tag.require_match(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_weak_tag_does_not_permit_a_change_but_saves_a_read() {
        let tag = EntityTag::new(7);
        assert!(tag.require_match(&headers(header::IF_MATCH, "W/\"7\"")).is_err());
        assert!(tag.is_known(&headers(header::IF_NONE_MATCH, "\"1\", W/\"7\"")));
        assert!(!tag.is_known(&headers(header::IF_NONE_MATCH, "\"1\"")));
    }
}
