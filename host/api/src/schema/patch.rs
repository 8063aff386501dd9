//! JSON Patch.

use utoipa::ToSchema;

/// A JSON Patch (RFC 6902): at most 100 operations.
#[derive(ToSchema)]
pub(crate) struct JsonPatch(Vec<JsonPatchOperation>);

/// One operation.
#[derive(ToSchema)]
pub(crate) struct JsonPatchOperation {
    /// What to do.
    op: JsonPatchVerb,
    /// Where: a JSON Pointer (RFC 6901).
    path: String,
    /// From where, of `move` and `copy`.
    from: Option<String>,
    /// The value, of `add`, `replace` and `test`.
    #[schema(required = false)]
    value: serde_json::Value,
}

/// What to do.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(crate) enum JsonPatchVerb {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}
