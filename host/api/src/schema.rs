//! The domain's objects as the `OpenAPI` document describes them.
//!
//! The model on floor 0 knows nothing of `OpenAPI`, so its objects are described here. A test compares every description
//! with what serde makes of the object.
#![expect(
    dead_code,
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "descriptions are read by the derive alone, and have the members of what they describe"
)]

pub(crate) mod account;
pub(crate) mod delivery;
pub(crate) mod instance;
pub(crate) mod invoice;
pub(crate) mod patch;
pub(crate) mod plugin;
pub(crate) mod problem;
pub(crate) mod run;
pub(crate) mod shared;
pub(crate) mod tenant;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mortise_model as model;
    use serde::de::DeserializeOwned;
    use utoipa::PartialSchema;
    use utoipa::openapi::{RefOr, Schema};

    use super::*;
    use crate::members::members_of;

    /// The members that a description has.
    fn described<S: PartialSchema>() -> BTreeSet<String> {
        match S::schema() {
            RefOr::T(Schema::Object(object)) => object.properties.keys().cloned().collect(),
            _ => panic!("not an object"),
        }
    }

    /// The members that serde knows, and further ones.
    fn known<T: DeserializeOwned>(further: &[&str]) -> BTreeSet<String> {
        members_of::<T>().iter().chain(further).map(|name| (*name).to_owned()).collect()
    }

    macro_rules! same_members {
        ($($description:ty => $object:ty;)*) => {
            $(assert_eq!(described::<$description>(), known::<$object>(&[]), stringify!($object));)*
        };
    }

    #[test]
    fn every_description_has_the_members_of_its_object() {
        same_members! {
            account::AccountInput => model::account::AccountFields;
            account::Address => model::account::Address;
            invoice::InvoiceInput => model::invoice::InvoiceFields;
            invoice::InvoiceItem => model::invoice::InvoiceItem;
            shared::Reference => model::entity::Reference;
            plugin::Plugin => model::plugin::Plugin;
            plugin::Release => model::plugin::Release;
            plugin::Grant => model::plugin::Grant;
            plugin::Permissions => model::plugin::Permissions;
            plugin::Manifest => model::manifest::Manifest;
            plugin::SecretDeclaration => model::manifest::SecretDeclaration;
            plugin::HostDeclaration => model::manifest::HostDeclaration;
            plugin::CapabilityRequest => model::manifest::CapabilityRequest;
            plugin::CredentialDeclaration => model::manifest::CredentialDeclaration;
            instance::Instance => model::instance::Instance;
            instance::SyncAction => model::instance::SyncAction;
            instance::Check => model::connector::Check;
            instance::Schedule => model::schedule::Schedule;
            run::Run => model::run::Run;
            run::ActionReport => model::run::ActionReport;
            run::Counts => model::run::Counts;
            run::LogLine => model::log::LogLine;
            run::FailedItem => model::item::FailedItem;
            delivery::Delivery => model::webhook::Delivery;
            tenant::Tenant => model::tenant::Tenant;
            tenant::TenantLimits => model::tenant::TenantLimits;
            problem::FieldError => model::error::FieldError;
        }
    }

    #[test]
    fn what_is_shown_of_a_record_is_what_is_written_and_what_the_host_adds() {
        let added = ["id", "links", "createdAt", "updatedAt"];
        assert_eq!(described::<account::Account>(), known::<model::account::AccountFields>(&added));
        let added = ["id", "balance", "settlement", "links", "createdAt", "updatedAt"];
        assert_eq!(described::<invoice::Invoice>(), known::<model::invoice::InvoiceFields>(&added));
    }
}
