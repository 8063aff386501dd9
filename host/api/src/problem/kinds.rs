//! Every kind of problem: a stable code, a status and a title.

use http::StatusCode;

/// A kind of problem. Its code never changes its meaning.
#[derive(Debug)]
pub(crate) struct ProblemKind {
    /// The stable code, the last part of `type`.
    pub(crate) code: &'static str,
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// What all problems of the kind have in common.
    pub(crate) title: &'static str,
}

macro_rules! kinds {
    ($($name:ident: $status:ident, $code:literal, $title:literal;)*) => {
        /// The kinds, by name.
        pub(crate) mod kind {
            use super::{ProblemKind, StatusCode};

            $(
                #[doc = $title]
                pub(crate) static $name: ProblemKind =
                    ProblemKind { code: $code, status: StatusCode::$status, title: $title };
            )*
        }

        static ALL: &[&ProblemKind] = &[$(&kind::$name),*];
    };
}

kinds! {
    BAD_REQUEST: BAD_REQUEST, "bad-request", "The request is not valid";
    MALFORMED_JSON: BAD_REQUEST, "malformed-json", "The body is not JSON";
    QUERY: BAD_REQUEST, "query.invalid", "A query parameter is not valid";
    HEADER: BAD_REQUEST, "header.invalid", "A header is not valid";
    VERSION_MISSING: BAD_REQUEST, "version.missing", "The API version is missing";
    VERSION_UNKNOWN: BAD_REQUEST, "version.unknown", "The API version is not offered";
    TENANT_REQUIRED: BAD_REQUEST, "tenant-required", "The request does not say for which tenant";
    FILTER_SYNTAX: BAD_REQUEST, "filter.syntax", "$filter does not follow the grammar";
    FILTER_UNKNOWN: BAD_REQUEST, "filter.unknown_property", "Unknown property in $filter";
    FILTER_TYPE: BAD_REQUEST, "filter.type_mismatch", "Values of different types meet in $filter";
    FILTER_UNSUPPORTED: BAD_REQUEST, "filter.unsupported", "$filter uses what is not offered";
    FILTER_COMPLEX: BAD_REQUEST, "filter.too_complex", "$filter is too complex";
    ORDER_SYNTAX: BAD_REQUEST, "orderby.syntax", "$orderby does not follow the grammar";
    ORDER_UNKNOWN: BAD_REQUEST, "orderby.unknown_property", "Unknown property in $orderby";
    ORDER_REPEATED: BAD_REQUEST, "orderby.repeated_property", "A property stands twice in $orderby";
    ORDER_DIRECTION: BAD_REQUEST, "orderby.invalid_direction", "A direction in $orderby is not valid";
    ORDER_UNSUPPORTED: BAD_REQUEST, "orderby.unsupported", "$orderby uses what is not offered";
    ORDER_COMPLEX: BAD_REQUEST, "orderby.too_complex", "$orderby is too complex";
    PAGE: BAD_REQUEST, "page.invalid", "The page is not valid";
    PAGE_SIZE: BAD_REQUEST, "page.invalid_size", "The page size is not valid";
    PAGE_AMBIGUOUS: BAD_REQUEST, "page.ambiguous", "The page is given twice";
    PAGE_CURSOR: BAD_REQUEST, "page.invalid_cursor", "The cursor is not valid";
    PATCH_MALFORMED: BAD_REQUEST, "patch.malformed", "The body is not a patch document";
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "The request carries no credentials";
    INVALID_TOKEN: UNAUTHORIZED, "invalid-token", "The credentials are not valid";
    INSUFFICIENT_SCOPE: FORBIDDEN, "insufficient-scope", "The credentials do not allow this";
    FOREIGN_TENANT: FORBIDDEN, "foreign-tenant", "The credentials belong to another tenant";
    NO_ROUTE: NOT_FOUND, "no-route", "There is nothing at this path";
    NOT_FOUND: NOT_FOUND, "not-found", "There is no such thing";
    METHOD: METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not offered at this path";
    CONFLICT: CONFLICT, "conflict", "This cannot be done as things stand";
    EXISTS: CONFLICT, "exists", "There is one already";
    CHANGED: CONFLICT, "changed", "It was changed meanwhile";
    LIMIT: CONFLICT, "limit-reached", "A limit of the tenant is reached";
    PATCH_TEST: CONFLICT, "patch.test_failed", "A test of the patch failed";
    PRECONDITION: PRECONDITION_FAILED, "precondition-failed", "It is not in the state that If-Match names";
    TOO_LARGE: PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large";
    URI_TOO_LONG: URI_TOO_LONG, "uri-too-long", "The address is too long";
    MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is of a type that is not taken here";
    VALIDATION: UNPROCESSABLE_ENTITY, "validation-failed", "The body breaks rules";
    PATCH_PATH: UNPROCESSABLE_ENTITY, "patch.unknown_path", "The patch names a path that does not exist";
    PATCH_READ_ONLY: UNPROCESSABLE_ENTITY, "patch.read_only", "The patch writes what only the host writes";
    PATCH_TOO_LARGE: UNPROCESSABLE_ENTITY, "patch.too_large", "The patch makes the record too large";
    KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The idempotency key was used for another request";
    BEYOND_BOUNDS: UNPROCESSABLE_ENTITY, "beyond-bounds", "The request goes beyond a bound of the store";
    COMPONENT: UNPROCESSABLE_ENTITY, "component-refused", "The component is not accepted";
    TOO_MANY: TOO_MANY_REQUESTS, "too-many-attempts", "Too many attempts failed";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "The host failed";
    PLUGIN: BAD_GATEWAY, "plugin-failed", "The plugin failed";
    BUSY: SERVICE_UNAVAILABLE, "busy", "The host is busy";
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable", "The host cannot answer at present";
    TIMEOUT: SERVICE_UNAVAILABLE, "timeout", "The request took too long";
    DRAINING: SERVICE_UNAVAILABLE, "draining", "The host stops";
}

/// The kind of a code.
pub(crate) fn kind_by_code(code: &str) -> Option<&'static ProblemKind> {
    ALL.iter().copied().find(|kind| kind.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mortise_query::filter::FilterErrorKind;
    use mortise_query::order::OrderErrorKind;

    #[test]
    fn no_two_kinds_share_a_code() {
        let mut codes: Vec<_> = ALL.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }

    #[test]
    fn every_mistake_in_a_filter_or_an_order_has_a_kind() {
        let filters = [
            FilterErrorKind::Syntax,
            FilterErrorKind::UnknownProperty,
            FilterErrorKind::TypeMismatch,
            FilterErrorKind::Unsupported,
            FilterErrorKind::TooComplex,
        ];
        let orders = [
            OrderErrorKind::Syntax,
            OrderErrorKind::UnknownProperty,
            OrderErrorKind::RepeatedProperty,
            OrderErrorKind::InvalidDirection,
            OrderErrorKind::Unsupported,
            OrderErrorKind::TooComplex,
        ];
        let codes = filters
            .into_iter()
            .map(FilterErrorKind::code)
            .chain(orders.into_iter().map(OrderErrorKind::code));
        for code in codes {
            assert!(kind_by_code(code).is_some(), "{code}");
        }
    }
}
