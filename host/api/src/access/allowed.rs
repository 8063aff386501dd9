//! What a handler asks of its caller, as arguments: a handler that has a tenant has checked a scope.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use mortise_model::access::Scope;
use mortise_model::id::TenantId;
use mortise_model::tenant::Tenant;
use mortise_store::StoreExt as _;
use tracing::Span;

use super::authentication::{Caller, TENANT_HEADER, authenticate, lacks};
use crate::app::App;
use crate::problem::{Problem, kind};

/// A scope as a type.
pub(crate) trait Permission: Send + Sync {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! permissions {
    ($($name:ident => $scope:ident),* $(,)?) => {
        $(
            /// Needs the scope of its name.
            #[derive(Debug, Clone, Copy)]
            pub(crate) struct $name;

            impl Permission for $name {
                const SCOPE: Scope = Scope::$scope;
            }
        )*
    };
}

permissions! {
    ReadAccounts => AccountsRead,
    WriteAccounts => AccountsWrite,
    ReadInvoices => InvoicesRead,
    WriteInvoices => InvoicesWrite,
    ReadManagement => ManageRead,
    WriteManagement => ManageWrite,
}

/// A caller that has a scope, in a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Allowed<P> {
    /// The tenant: the caller's own, or the one that the operator named.
    pub(crate) tenant: TenantId,
    /// The client's or the key's id.
    pub(crate) caller: String,
    permission: PhantomData<P>,
}

/// The operator.
#[derive(Debug, Clone)]
pub(crate) struct Operator;

impl<P: Permission> FromRequestParts<App> for Allowed<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = known_caller(app, &parts.headers).await?;
        if !caller.scopes.contains(&P::SCOPE) {
            return Err(lacks(P::SCOPE));
        }
        let tenant = tenant_of(app, &caller, &parts.headers).await?;
        Span::current().record("tenant", tenant.as_str());
        Ok(Self { tenant, caller: caller.id, permission: PhantomData })
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = known_caller(app, &parts.headers).await?;
        if caller.tenant.is_some() || !caller.scopes.contains(&Scope::Operate) {
            return Err(lacks(Scope::Operate));
        }
        Ok(Self)
    }
}

async fn known_caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let caller = authenticate(app, headers).await?;
    Span::current().record("caller", caller.id.as_str());
    Ok(caller)
}

/// The tenant comes from the credentials. Only the operator's have none, and name one beside.
async fn tenant_of(app: &App, caller: &Caller, headers: &HeaderMap) -> Result<TenantId, Problem> {
    let named = headers.get(&TENANT_HEADER).map(|value| value.to_str().unwrap_or_default());
    match (&caller.tenant, named) {
        (Some(own), None) => Ok(own.clone()),
        (Some(own), Some(named)) if own.as_str() == named => Ok(own.clone()),
        (Some(_), Some(_)) => {
            let detail = "`X-Tenant` names another tenant than that of the credentials: leave it out";
            Err(Problem::new(&kind::FOREIGN_TENANT, detail))
        }
        (None, None) => {
            let detail = "the operator's key belongs to no tenant: name one with `X-Tenant`";
            Err(Problem::new(&kind::TENANT_REQUIRED, detail))
        }
        (None, Some(named)) => {
            let tenant: TenantId = named.parse().map_err(|_| Problem::not_found("tenant", named))?;
            let found = app.store.load::<Tenant>(&TenantId::system(), tenant.as_str()).await?;
            found.map(|(tenant, _)| tenant.id).ok_or_else(|| Problem::not_found("tenant", named))
        }
    }
}
