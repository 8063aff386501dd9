//! Problem documents.

use utoipa::ToSchema;

/// Why a request was refused or failed (RFC 9457).
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// `/problems/` and the code.
    #[schema(rename = "type", example = "/problems/not-found")]
    kind: String,
    /// What all problems of the kind have in common.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What was wrong, where, and what to do.
    detail: String,
    /// The path of the request.
    instance: String,
    /// The stable code.
    #[schema(example = "not-found")]
    code: String,
    /// The id of the request: it stands in the host's log.
    request_id: String,
    /// Everything that is wrong with the body.
    errors: Option<Vec<FieldError>>,
    /// How many characters of `$filter` or `$orderby` come before the mistake.
    position: Option<u32>,
    /// The property or parameter that the problem is about.
    property: Option<String>,
    /// What could stand there instead.
    allowed: Option<Vec<String>>,
    /// The versions that are offered.
    supported: Option<Vec<String>>,
}

/// What is wrong with one member.
#[derive(ToSchema)]
pub(crate) struct FieldError {
    /// JSON Pointer (RFC 6901) to the member. Empty means the whole body.
    pointer: String,
    /// A stable word.
    code: String,
    /// One sentence for a person.
    message: String,
}
