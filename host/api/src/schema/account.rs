//! The account.

use utoipa::ToSchema;

use super::shared::{Link, Reference};

/// What a caller may write of an account. A missing member has its default.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct AccountInput {
    /// The name. Required.
    name: String,
    /// The customer's number, as people know it. Unique where given.
    code: Option<String>,
    /// The company's registered name.
    company_name: Option<String>,
    /// The name it trades under.
    trading_name: Option<String>,
    /// E-mail address of the company.
    email: Option<String>,
    /// Telephone.
    phone: Option<String>,
    /// Fax.
    fax: Option<String>,
    /// Web site.
    website: Option<String>,
    /// A note.
    description: Option<String>,
    /// Location code.
    location_code: Option<String>,
    /// Number in the companies' register.
    registration_number: Option<String>,
    /// What the company does.
    business_activity: Option<String>,
    /// VAT number.
    vat_number: Option<String>,
    /// Whether tax is charged.
    #[schema(required = false)]
    taxable: bool,
    /// Whether it may order.
    #[schema(required = false)]
    ordering_enabled: bool,
    /// How much it may owe. Zero or more.
    #[schema(value_type = String, example = "12.50", required = false)]
    credit_limit: String,
    /// Whether `credit_limit` is ignored.
    #[schema(required = false)]
    unlimited_credit_limit: bool,
    /// Whether each subscription has an invoice of its own.
    #[schema(required = false)]
    separate_invoices: bool,
    /// Whether invoices are sent by e-mail.
    #[schema(required = false)]
    auto_invoice_notification: bool,
    /// The currency it is invoiced in.
    #[schema(example = "EUR")]
    transaction_currency: Option<String>,
    /// The name of its payment method.
    payment_method: Option<String>,
    /// The account above it.
    parent_account: Option<Reference>,
    /// The account that is invoiced for it.
    bill_to_account: Option<Reference>,
    /// Its addresses.
    #[schema(required = false)]
    addresses: Vec<Address>,
    /// The tenant's own fields.
    #[schema(value_type = Object, required = false)]
    custom_fields: serde_json::Value,
}

/// An account.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Account {
    /// The number, counted per tenant.
    id: u64,
    /// The name. Required.
    name: String,
    /// The customer's number, as people know it. Unique where given.
    code: Option<String>,
    /// The company's registered name.
    company_name: Option<String>,
    /// The name it trades under.
    trading_name: Option<String>,
    /// E-mail address of the company.
    email: Option<String>,
    /// Telephone.
    phone: Option<String>,
    /// Fax.
    fax: Option<String>,
    /// Web site.
    website: Option<String>,
    /// A note.
    description: Option<String>,
    /// Location code.
    location_code: Option<String>,
    /// Number in the companies' register.
    registration_number: Option<String>,
    /// What the company does.
    business_activity: Option<String>,
    /// VAT number.
    vat_number: Option<String>,
    /// Whether tax is charged.
    taxable: bool,
    /// Whether it may order.
    ordering_enabled: bool,
    /// How much it may owe. Zero or more.
    #[schema(value_type = String, example = "12.50")]
    credit_limit: String,
    /// Whether `credit_limit` is ignored.
    unlimited_credit_limit: bool,
    /// Whether each subscription has an invoice of its own.
    separate_invoices: bool,
    /// Whether invoices are sent by e-mail.
    auto_invoice_notification: bool,
    /// The currency it is invoiced in.
    #[schema(example = "EUR")]
    transaction_currency: Option<String>,
    /// The name of its payment method.
    payment_method: Option<String>,
    /// The account above it.
    parent_account: Option<Reference>,
    /// The account that is invoiced for it.
    bill_to_account: Option<Reference>,
    /// Its addresses.
    addresses: Vec<Address>,
    /// The tenant's own fields.
    #[schema(value_type = Object)]
    custom_fields: serde_json::Value,
    /// Links to the far sides' records, one per instance.
    links: Vec<Link>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: String,
}

/// A postal address.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Address {
    /// A UUID, the caller's or none.
    id: Option<String>,
    /// What it is for, in words.
    description: Option<String>,
    /// First line.
    address1: Option<String>,
    /// Second line.
    address2: Option<String>,
    /// City.
    city: Option<String>,
    /// Region.
    region: Option<String>,
    /// Post code.
    post_code: Option<String>,
    /// State code.
    state_code: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country.
    country_code: Option<String>,
    /// Whether invoices go here.
    #[schema(required = false)]
    is_billing: bool,
}
