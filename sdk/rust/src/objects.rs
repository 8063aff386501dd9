//! The platform's documented objects, as JSON has them.
//!
//! A [`Field`] that is [`Field::Absent`] is not written: the platform keeps what it has. `None` from the far side becomes
//! [`Field::Empty`], which is written as `null` and clears the field:
//!
//! ```
//! use mortise_sdk::objects::Account;
//!
//! let phone: Option<String> = None;
//! let account = Account { name: "Acme".into(), phone: phone.into(), ..Account::default() };
//! assert_eq!(serde_json::to_string(&account).unwrap(), r#"{"name":"Acme","phone":null}"#);
//! ```

mod account;
mod field;
mod invoice;

use serde::{Deserialize, Serialize};

pub use crate::objects::account::{Account, Address};
pub use crate::objects::field::Field;
pub use crate::objects::invoice::{Invoice, InvoiceItem, InvoiceStatus, InvoiceType};

/// The tenant's own fields: by code, with any JSON value.
pub type CustomFields = serde_json::Map<String, serde_json::Value>;

/// A reference to another object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reference {
    /// The platform's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Its name, for people. Ignored by the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The far side's id, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_id: Option<String>,
}

impl Reference {
    /// A reference by the far side's id.
    pub fn by_integration_id(integration_id: impl Into<String>) -> Self {
        Self { integration_id: Some(integration_id.into()), ..Self::default() }
    }
}
