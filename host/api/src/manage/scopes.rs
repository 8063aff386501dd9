//! Scopes that a client or a key of a tenant is given.

use std::collections::BTreeSet;

use mortise_model::access::Scope;
use mortise_model::error::FieldError;
use mortise_model::id::TenantId;
use mortise_model::tenant::Tenant;
use mortise_store::{StoreExt as _, Version};

use crate::app::App;
use crate::problem::Problem;

/// Longest name of a tenant, a client or a key, in characters.
const MAX_NAME: usize = 200;
/// Most clients, and most keys, of one tenant.
pub(super) const MAX_PER_TENANT: u32 = 100;

/// The scopes that were asked for. Everything a tenant may have when none were.
pub(super) fn granted(wanted: Option<Vec<String>>) -> Result<BTreeSet<Scope>, Problem> {
    let all = Scope::of_tenant();
    let Some(wanted) = wanted else { return Ok(all) };
    let mut scopes = BTreeSet::new();
    let mut errors = Vec::new();
    if wanted.is_empty() {
        errors.push(FieldError::new("/scopes", "required", "name a scope, or leave `scopes` out for all"));
    }
    for (place, text) in wanted.iter().enumerate() {
        let pointer = format!("/scopes/{place}");
        match text.parse::<Scope>() {
            Ok(scope) if all.contains(&scope) => {
                scopes.insert(scope);
            }
            Ok(scope) => {
                errors.push(FieldError::new(
                    pointer,
                    "not-allowed",
                    format!("`{scope}` is the operator's alone"),
                ));
            }
            Err(error) => errors.push(FieldError::new(pointer, "invalid", error.to_string())),
        }
    }
    if errors.is_empty() { Ok(scopes) } else { Err(Problem::invalid(errors)) }
}

/// Refuses a name that nobody can read.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    if name.trim().is_empty() {
        return Err(Problem::invalid_member("/name", "required", "give it a name"));
    }
    if name.chars().count() > MAX_NAME {
        return Err(Problem::invalid_member("/name", "too-long", format!("at most {MAX_NAME} characters")));
    }
    Ok(())
}

/// The tenant of a path.
pub(super) async fn tenant_of(app: &App, id: &str) -> Result<(Tenant, Version), Problem> {
    let tenant: TenantId = id.parse().map_err(|_| Problem::not_found("tenant", id))?;
    let found = app.store.load::<Tenant>(&TenantId::system(), tenant.as_str()).await?;
    found.ok_or_else(|| Problem::not_found("tenant", id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_given_the_operators_scope() {
        assert!(granted(Some(vec!["operate".to_owned()])).is_err());
        assert!(granted(Some(Vec::new())).is_err());
        assert_eq!(granted(None).unwrap(), Scope::of_tenant());
        assert_eq!(
            granted(Some(vec!["manage:read".to_owned()])).unwrap(),
            BTreeSet::from([Scope::ManageRead])
        );
    }
}
