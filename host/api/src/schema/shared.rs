//! Objects that several resources have.

use utoipa::ToSchema;

/// A reference to another business object.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Reference {
    /// The platform's number of it.
    id: Option<u64>,
    /// Its name, for people. Ignored on input.
    name: Option<String>,
    /// The far side's id. Not resolved through the platform API.
    integration_id: Option<String>,
}

/// A link to one record of another system, through one instance.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Link {
    /// The instance.
    instance: String,
    /// The far side's id.
    external_id: String,
}
