//! How much of what all tenants share one tenant may have in progress.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use mortise_model::id::TenantId;

use crate::problem::{Problem, kind};

/// What is in progress, by tenant. A tenant that has as much as it may waits, so that the others need not.
#[derive(Debug)]
pub(crate) struct Shares {
    /// What is counted, as in "uploads".
    what: &'static str,
    most: u32,
    taken: Mutex<HashMap<TenantId, u32>>,
}

/// One of a tenant's. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    shares: &'a Shares,
    tenant: TenantId,
}

impl Shares {
    /// At most so many of each tenant.
    pub(crate) fn new(what: &'static str, most: u32) -> Self {
        Self { what, most, taken: Mutex::default() }
    }

    /// Takes one.
    ///
    /// # Errors
    /// A problem that names the bound, when the tenant has as many in progress as it may.
    pub(crate) fn take(&self, tenant: &TenantId) -> Result<Share<'_>, Problem> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(tenant.clone()).or_default();
        if *count >= self.most {
            let (what, most) = (self.what, self.most);
            let detail =
                format!("the tenant has {most} {what} in progress, the most there may be: try again shortly");
            return Err(Problem::new(&kind::BUSY, detail).retry_after(5));
        }
        *count += 1;
        Ok(Share { shares: self, tenant: tenant.clone() })
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.tenant) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_that_has_its_share_holds_up_nobody_else() {
        let (a, b): (TenantId, TenantId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let shares = Shares::new("uploads", 2);
        let first = shares.take(&a).unwrap();
        let _second = shares.take(&a).unwrap();
        assert_eq!(shares.take(&a).unwrap_err().kind().code, kind::BUSY.code);
        let other = shares.take(&b).unwrap();
        drop(first);
        assert!(shares.take(&a).is_ok());
        drop(other);
        assert_eq!(shares.taken.lock().unwrap().len(), 1);
    }
}
