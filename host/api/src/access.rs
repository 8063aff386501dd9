//! Who calls, and what the caller may do: OAuth clients, tokens, API keys, scopes.

mod allowed;
mod authentication;
mod credentials;
mod failures;
mod oauth;
mod operator;
mod token;

pub(crate) use self::allowed::{
    Allowed, Operator, ReadAccounts, ReadInvoices, ReadManagement, WriteAccounts, WriteInvoices,
    WriteManagement,
};
pub(crate) use self::authentication::{API_KEY_HEADER, TENANT_HEADER};
pub(crate) use self::credentials::{KEY_PREFIX, SECRET_PREFIX, generate, hash};
pub(crate) use self::failures::Failures;
pub(crate) use self::operator::register_operator_key;
pub(crate) use self::token::{__path_revoke_token, __path_take_token, revoke_token, take_token};
