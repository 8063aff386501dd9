//! Texts with `{setting}` in them.

use std::collections::HashSet;

use mortise_model::host_pattern::HostPattern;
use mortise_model::manifest::HostDeclaration;

use super::{Mistakes, SENTENCE};
use crate::bounds::cut;

/// Checks a template's braces and that its settings exist. Answers it with `x` in place of each setting.
pub(super) fn check(
    what: &str,
    text: &str,
    settings: &HashSet<&str>,
    mistakes: &mut Mistakes,
) -> Option<String> {
    if text.len() > SENTENCE {
        mistakes.add(format!("`{what}` has {} bytes, more than {SENTENCE}", text.len()));
        return None;
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else {
            mistakes.add(format!("`{what}`: a brace of `{text}` is not closed"));
            return None;
        };
        if !settings.contains(name) {
            mistakes
                .add(format!("`{what}` takes the setting `{name}`, which `settings-schema` does not have"));
            return None;
        }
        filled.push_str(before);
        filled.push('x');
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

/// Checks a host pattern, or a template of one.
pub(super) fn check_host(what: &str, text: &str, settings: &HashSet<&str>, mistakes: &mut Mistakes) {
    let Some(filled) = check(what, text, settings, mistakes) else { return };
    if let Err(error) = filled.parse::<HostPattern>() {
        let text = cut(text.to_owned(), 100);
        mistakes.add(format!("`{what}`, `{text}`: {error}"));
    }
}

/// Whether a host pattern, or a template of one, can lie within what `hosts` declares. What a setting is alone can
/// lie anywhere; where it leads is compared with the grant once it has a value.
pub(super) fn is_declared(text: &str, hosts: &[HostDeclaration]) -> bool {
    hosts.iter().any(|declared| {
        declared.pattern == text
            || match (widest(&declared.pattern), widest(text)) {
                (Some(declared), Some(own)) => {
                    declared.includes(&own) || (text.contains('{') && own.includes(&declared))
                }
                _ => true,
            }
    })
}

/// The widest pattern that a text can become: itself, or `*.example.com` for `{shop}.example.com`. None when it can
/// become any host, or is none.
pub(super) fn widest(text: &str) -> Option<HostPattern> {
    if !text.contains('{') {
        return text.parse().ok();
    }
    // The label in which the last setting ends, and all before it, can become any.
    let (_, behind) = text.rsplit_once('}')?;
    let (_, parent) = behind.split_once('.')?;
    format!("*.{parent}").parse().ok()
}
