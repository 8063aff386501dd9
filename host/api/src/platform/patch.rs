//! Patch documents: JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396) over a record's writable members.
//!
//! Chosen deviations of JSON Patch, as callers of the platform expect them: `add` and `replace` of a plain member are
//! the same; `remove` puts a member back to its default; `"true"` and `"false"` are taken where a boolean stands.

use std::borrow::Cow;

use json_patch::{AddOperation, PatchErrorKind, PatchOperation, ReplaceOperation};
use mortise_model::error::FieldError;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::resource::READ_ONLY;
use crate::body::{ACCEPT_PATCH, parse};
use crate::problem::{Problem, kind};

/// Most operations of a JSON Patch.
const MAX_OPERATIONS: usize = 100;
/// Largest patch document, in bytes.
const MAX_BYTES: usize = 256 << 10;
/// Largest record that a patch may make, in bytes of JSON.
const MAX_RESULT: usize = 1 << 20;
/// How deep a patch may nest a record. Text that nests deeper than this is not read as JSON either.
const MAX_DEPTH: usize = 128;
/// The media types, as `Accept-Patch` lists them.
const ACCEPTED: &str = "application/json-patch+json, application/merge-patch+json";

/// A patch document.
#[derive(Debug, Clone)]
pub(super) enum Patch {
    Json(Vec<PatchOperation>),
    Merge(Map<String, Value>),
}

impl Patch {
    /// Reads a patch document of a media type.
    pub(super) fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let malformed = |detail: String| Problem::new(&kind::PATCH_MALFORMED, detail);
        let is_json_patch = match media_type {
            "application/json-patch+json" => true,
            "application/merge-patch+json" => false,
            _ => {
                let detail = format!("a patch must be sent as one of {ACCEPTED}");
                return Err(
                    Problem::new(&kind::MEDIA_TYPE, detail).with_header(ACCEPT_PATCH.clone(), ACCEPTED)
                );
            }
        };
        if bytes.len() > MAX_BYTES {
            let detail = format!("the patch has {} bytes, the most is {MAX_BYTES}", bytes.len());
            return Err(Problem::new(&kind::TOO_LARGE, detail).with("limit", MAX_BYTES));
        }
        let value: Value = parse(bytes)?;
        match (is_json_patch, value) {
            (false, Value::Object(members)) => Ok(Self::Merge(members)),
            (false, _) => Err(malformed("a merge patch is an object of the members to change".to_owned())),
            (true, Value::Array(operations)) if operations.len() > MAX_OPERATIONS => {
                let found = operations.len();
                Err(malformed(format!(
                    "a patch has at most {MAX_OPERATIONS} operations, this one has {found}"
                )))
            }
            (true, Value::Array(operations)) => operations
                .into_iter()
                .enumerate()
                .map(|(place, operation)| {
                    serde_json::from_value(operation)
                        .map_err(|error| malformed(format!("operation {place} is not valid: {error}")))
                })
                .collect::<Result<_, _>>()
                .map(Self::Json),
            (true, _) => Err(malformed("a JSON Patch is an array of operations".to_owned())),
        }
    }

    /// Applies the patch to a record as it is shown, and reads the writable members of the result.
    pub(super) fn apply<F: DeserializeOwned>(&self, shown: Value, writable: &[&str]) -> Result<F, Problem> {
        let Value::Object(mut members) = shown else {
            return Err(unknown_path("", "the record is no object"));
        };
        for name in writable {
            members.entry(*name).or_insert(Value::Null);
        }
        let mut document = Value::Object(members);
        match self {
            Self::Json(operations) => apply_operations(&mut document, operations, writable)?,
            Self::Merge(members) => {
                for name in members.keys() {
                    check_writable(&format!("/{}", name.replace('~', "~0").replace('/', "~1")), writable)?;
                }
                json_patch::merge(&mut document, &Value::Object(members.clone()));
            }
        }
        read_fields(document)
    }
}

/// Through text, because text is what is stored: what nests too deeply to be read again is refused here.
fn read_fields<F: DeserializeOwned>(mut document: Value) -> Result<F, Problem> {
    if let Value::Object(members) = &mut document {
        members.retain(|name, value| !value.is_null() && !READ_ONLY.contains(&name.as_str()));
    }
    let text = document.to_string();
    parse(text.as_bytes()).map_err(|problem| {
        if problem.kind().code == kind::MALFORMED_JSON.code {
            Problem::new(&kind::PATCH_TOO_LARGE, "the patch nests the record's members too deeply")
        } else {
            problem
        }
    })
}

fn apply_operations(
    document: &mut Value,
    operations: &[PatchOperation],
    writable: &[&str],
) -> Result<(), Problem> {
    for (place, operation) in operations.iter().enumerate() {
        match operation {
            PatchOperation::Test(_) => {}
            PatchOperation::Move(operation) => {
                check_writable(operation.from.as_str(), writable)?;
                check_writable(operation.path.as_str(), writable)?;
            }
            other => check_writable(other.path().as_str(), writable)?,
        }
        let Some(operation) = relaxed(operation, document) else { continue };
        check_depth(place, &operation, document)?;
        json_patch::patch_unsafe(document, std::slice::from_ref(operation.as_ref()))
            .map_err(|error| explain(place, &operation, &error.kind))?;
        if matches!(operation.as_ref(), PatchOperation::Copy(_)) && document.to_string().len() > MAX_RESULT {
            let detail = format!("operation {place} makes the record larger than {MAX_RESULT} bytes");
            return Err(Problem::new(&kind::PATCH_TOO_LARGE, detail));
        }
    }
    Ok(())
}

/// Refuses an operation that nests too deeply, before it does: whatever walks through a value takes stack for each
/// level, and copies that are put into one another double the levels every time.
fn check_depth(place: usize, operation: &PatchOperation, document: &Value) -> Result<(), Problem> {
    let (path, value) = match operation {
        PatchOperation::Add(add) => (&add.path, Some(&add.value)),
        PatchOperation::Replace(replace) => (&replace.path, Some(&replace.value)),
        PatchOperation::Copy(copy) => (&copy.path, document.pointer(copy.from.as_str())),
        PatchOperation::Move(r#move) => (&r#move.path, document.pointer(r#move.from.as_str())),
        PatchOperation::Remove(_) | PatchOperation::Test(_) => return Ok(()),
    };
    let above = path.as_str().matches('/').count();
    if above.saturating_add(value.map_or(0, depth)) <= MAX_DEPTH {
        return Ok(());
    }
    let detail = format!("operation {place} nests the record's members deeper than {MAX_DEPTH}");
    Err(Problem::new(&kind::PATCH_TOO_LARGE, detail))
}

/// How many levels of lists and objects a value has.
fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut waiting = vec![(value, 0)];
    while let Some((value, above)) = waiting.pop() {
        deepest = deepest.max(above);
        match value {
            Value::Array(elements) => waiting.extend(elements.iter().map(|element| (element, above + 1))),
            Value::Object(members) => waiting.extend(members.values().map(|member| (member, above + 1))),
            _ => {}
        }
    }
    deepest
}

/// The operation under the chosen deviations. None when it changes nothing.
fn relaxed<'a>(operation: &'a PatchOperation, document: &Value) -> Option<Cow<'a, PatchOperation>> {
    match operation {
        PatchOperation::Add(add) => {
            let value = fitted(&add.value, document.pointer(add.path.as_str()));
            Some(Cow::Owned(PatchOperation::Add(AddOperation { path: add.path.clone(), value })))
        }
        PatchOperation::Replace(replace) => {
            let present = document.pointer(replace.path.as_str());
            let value = fitted(&replace.value, present);
            let path = replace.path.clone();
            Some(Cow::Owned(if present.is_none() && is_member(path.as_str(), document) {
                PatchOperation::Add(AddOperation { path, value })
            } else {
                PatchOperation::Replace(ReplaceOperation { path, value })
            }))
        }
        PatchOperation::Remove(remove) if is_member(remove.path.as_str(), document) => {
            let is_top = remove.path.as_str().matches('/').count() == 1;
            match (document.pointer(remove.path.as_str()), is_top) {
                (None, _) => None,
                (Some(_), true) => Some(Cow::Owned(PatchOperation::Replace(ReplaceOperation {
                    path: remove.path.clone(),
                    value: Value::Null,
                }))),
                (Some(_), false) => Some(Cow::Borrowed(operation)),
            }
        }
        other => Some(Cow::Borrowed(other)),
    }
}

/// A boolean as text becomes a boolean where one stands.
fn fitted(value: &Value, present: Option<&Value>) -> Value {
    match (value.as_str(), present) {
        (Some("true"), Some(Value::Bool(_))) => Value::Bool(true),
        (Some("false"), Some(Value::Bool(_))) => Value::Bool(false),
        _ => value.clone(),
    }
}

/// Whether the path names a member of an object that is there.
fn is_member(path: &str, document: &Value) -> bool {
    path.rsplit_once('/').and_then(|(parent, _)| document.pointer(parent)).is_some_and(Value::is_object)
}

fn check_writable(path: &str, writable: &[&str]) -> Result<(), Problem> {
    let Some(first) = path.strip_prefix('/').and_then(|path| path.split('/').next()) else {
        return Err(unknown_path(path, "the record cannot be replaced as a whole: name its members"));
    };
    let name = first.replace("~1", "/").replace("~0", "~");
    if writable.contains(&name.as_str()) {
        Ok(())
    } else if READ_ONLY.contains(&name.as_str()) {
        let message = format!("`{name}` is written by the host alone");
        let error = FieldError::new(path, "read-only", message.as_str());
        Err(Problem::new(&kind::PATCH_READ_ONLY, message).with_errors(vec![error]))
    } else {
        let name: String = name.chars().take(80).collect();
        Err(unknown_path(path, &format!("there is no member `{name}`")))
    }
}

fn unknown_path(path: &str, message: &str) -> Problem {
    let path: String = path.chars().take(200).collect();
    Problem::new(&kind::PATCH_PATH, message).with_errors(vec![FieldError::new(path, "unknown", message)])
}

fn explain(place: usize, operation: &PatchOperation, error: &PatchErrorKind) -> Problem {
    let path: String = operation.path().as_str().chars().take(200).collect();
    let problem = match error {
        PatchErrorKind::TestFailed => {
            let detail = format!("operation {place}: `{path}` is not what the test expects; nothing changed");
            Problem::new(&kind::PATCH_TEST, detail)
        }
        PatchErrorKind::InvalidFromPointer => {
            unknown_path(&path, &format!("operation {place}: there is nothing at `from`"))
        }
        PatchErrorKind::CannotMoveInsideItself => {
            unknown_path(&path, &format!("operation {place}: a value cannot be moved into itself"))
        }
        _ => unknown_path(&path, &format!("operation {place}: there is nothing at `{path}`")),
    };
    problem.with("operation", place)
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
