//! A record as the platform API shows it.

use chrono::NaiveDate;
use mortise_model::account::Account;
use mortise_model::clock::Timestamp;
use mortise_model::entity::Link;
use mortise_model::id::InstanceId;
use mortise_model::invoice::{Invoice, Settlement};
use mortise_model::money::Amount;
use mortise_query::PropertyTable;
use mortise_records::Record;
use mortise_store::Version;
use serde::Serialize;

use super::properties;
use crate::etag::EntityTag;

/// Members that only the host writes.
pub(super) const READ_ONLY: [&str; 6] = ["id", "balance", "settlement", "links", "createdAt", "updatedAt"];

/// A record that the platform API offers.
pub(super) trait Resource: Record {
    /// What callers may filter and sort by.
    const TABLE: &'static PropertyTable;
    /// The path of the collection.
    const PATH: &'static str;

    /// What follows from the fields on a day.
    fn derived(&self, today: NaiveDate) -> Derived;
}

/// Members that follow from others. Not stored.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Derived {
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settlement: Option<Settlement>,
}

/// A record on its way out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a, F> {
    id: u64,
    #[serde(flatten)]
    fields: &'a F,
    #[serde(flatten)]
    derived: Derived,
    links: Vec<ShownLink<'a>>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownLink<'a> {
    instance: &'a InstanceId,
    external_id: &'a str,
}

impl<'a> From<&'a Link> for ShownLink<'a> {
    fn from(link: &'a Link) -> Self {
        Self { instance: &link.instance, external_id: &link.external_id }
    }
}

/// The record as callers see it on a day.
pub(super) fn show<R: Resource>(record: &R, today: NaiveDate) -> Shown<'_, R::Fields> {
    Shown {
        id: record.number(),
        fields: record.fields(),
        derived: record.derived(today),
        links: record.links().iter().map(ShownLink::from).collect(),
        created_at: record.created_at(),
        updated_at: record.updated_at(),
    }
}

/// What changes of a record as time passes, without anybody writing to it.
pub(super) fn phase<R: Resource>(record: &R, today: NaiveDate) -> Option<u8> {
    record.derived(today).settlement.map(|settlement| settlement as u8)
}

/// The tag of what [`show`] shows: the version, and the phase where there is one.
pub(super) fn tag(version: Version, phase: Option<u8>) -> EntityTag {
    match phase {
        None => EntityTag::new(version),
        Some(phase) => EntityTag::new(format_args!("{version}-{phase}")),
    }
}

impl Resource for Account {
    const TABLE: &'static PropertyTable = &properties::ACCOUNTS;
    const PATH: &'static str = "/api/accounts";

    fn derived(&self, _: NaiveDate) -> Derived {
        Derived::default()
    }
}

impl Resource for Invoice {
    const TABLE: &'static PropertyTable = &properties::INVOICES;
    const PATH: &'static str = "/api/invoices";

    /// Nothing where the amounts are too large to be subtracted.
    fn derived(&self, today: NaiveDate) -> Derived {
        match self.fields.total.0.checked_sub(self.fields.paid_amount.0) {
            Some(balance) => {
                Derived { balance: Some(Amount(balance)), settlement: Some(self.fields.settlement(today)) }
            }
            None => Derived::default(),
        }
    }
}
