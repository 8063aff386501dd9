//! Accounts of the platform are customers of the ledger.
//!
//! | account | customer |
//! |---|---|
//! | `code` | `customerNo`, which the ledger gives out |
//! | `name` | `displayName` |
//! | `vatNumber` | `taxNumber` |
//! | `email`, `phone`, `website`, `taxable`, `creditLimit` | the same |
//! | `transactionCurrency` | `currency`; the setting `currency` where an account has none |
//! | `orderingEnabled` | `status` is `active`; an account that may not order is `on-hold`, or stays `closed` |
//! | the billing address | `billTo` |

use mortise_sdk::Decimal;
use mortise_sdk::prelude::{Account, Address, Error, Result};
use serde::Serialize;

use crate::ledger::{Address as LedgerAddress, Customer, CustomerStatus};
use crate::{Pair, Settings};

/// Accounts and customers.
pub(crate) struct Accounts;

/// A customer as the ledger is asked to hold it. What is none is cleared.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomerDraft {
    display_name: String,
    tax_number: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    website: Option<String>,
    currency: String,
    credit_limit: Decimal,
    taxable: bool,
    status: CustomerStatus,
    bill_to: Option<LedgerAddress>,
}

impl Pair for Accounts {
    const ENTITY: &'static str = "account";
    type Object = Account;
    type Record = Customer;
    type Draft = CustomerDraft;

    fn to_platform(customer: Customer) -> Account {
        Account {
            code: customer.customer_no.into(),
            name: customer.display_name.into(),
            vat_number: customer.tax_number.into(),
            email: customer.email.into(),
            phone: customer.phone.into(),
            website: customer.website.into(),
            transaction_currency: customer.currency.into(),
            credit_limit: customer.credit_limit.into(),
            taxable: customer.taxable.into(),
            ordering_enabled: (customer.status == CustomerStatus::Active).into(),
            addresses: customer.bill_to.into_iter().map(billing_address).collect::<Vec<_>>().into(),
            ..Account::default()
        }
    }

    fn to_ledger(account: Account, current: Option<&Customer>, settings: &Settings) -> Result<CustomerDraft> {
        let bill_to = account.billing_address().map(ledger_address);
        let Some(display_name) = account.name.into_option() else {
            return Err(Error::rejected("/name", "required", "a customer of the ledger needs a name"));
        };
        let may_order = account.ordering_enabled.into_option().unwrap_or(false);
        let was_closed = current.is_some_and(|customer| customer.status == CustomerStatus::Closed);
        Ok(CustomerDraft {
            display_name,
            tax_number: account.vat_number.into_option(),
            email: account.email.into_option(),
            phone: account.phone.into_option(),
            website: account.website.into_option(),
            currency: account.transaction_currency.into_option().unwrap_or_else(|| settings.currency.clone()),
            credit_limit: account.credit_limit.into_option().unwrap_or_default(),
            taxable: account.taxable.into_option().unwrap_or(false),
            status: match (may_order, was_closed) {
                (true, _) => CustomerStatus::Active,
                (false, true) => CustomerStatus::Closed,
                (false, false) => CustomerStatus::OnHold,
            },
            bill_to,
        })
    }

    fn held(customer: &Customer) -> CustomerDraft {
        let customer = customer.clone();
        CustomerDraft {
            display_name: customer.display_name,
            tax_number: customer.tax_number,
            email: customer.email,
            phone: customer.phone,
            website: customer.website,
            currency: customer.currency,
            credit_limit: customer.credit_limit,
            taxable: customer.taxable,
            status: customer.status,
            bill_to: customer.bill_to,
        }
    }

    fn out_of_scope(_: &Account) -> Option<&'static str> {
        None
    }

    fn pointer(field: &str) -> String {
        let member = match field {
            "displayName" => "name",
            "taxNumber" => "vatNumber",
            "currency" => "transactionCurrency",
            "status" => "orderingEnabled",
            "billTo.line1" => "addresses/0/address1",
            "billTo.line2" => "addresses/0/address2",
            "billTo.town" => "addresses/0/city",
            "billTo.zip" => "addresses/0/postCode",
            "billTo.region" => "addresses/0/region",
            "billTo.countryIso" => "addresses/0/countryCode",
            "billTo" => "addresses",
            other => other,
        };
        format!("/{member}")
    }
}

fn billing_address(address: LedgerAddress) -> Address {
    Address {
        address1: Some(address.line1),
        address2: address.line2,
        city: Some(address.town),
        post_code: address.zip,
        region: address.region,
        country_code: Some(address.country_iso),
        is_billing: true,
        ..Address::default()
    }
}

/// What the ledger needs and the platform does not have is sent empty, so that the ledger says what is missing.
fn ledger_address(address: &Address) -> LedgerAddress {
    let address = address.clone();
    LedgerAddress {
        line1: address.address1.unwrap_or_default(),
        line2: address.address2,
        town: address.city.unwrap_or_default(),
        zip: address.post_code,
        region: address.region,
        country_iso: address.country_code.unwrap_or_default(),
    }
}
