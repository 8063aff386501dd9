//! What a call has spent of its budget.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::{Delivery, EgressBudget, EgressError, EgressErrorKind};

/// What a call has spent, shared by all its requests.
#[derive(Debug)]
pub(crate) struct Spending {
    budget: EgressBudget,
    requests: AtomicU32,
    bytes: AtomicU64,
}

impl Spending {
    pub(crate) fn new(budget: EgressBudget) -> Self {
        Self { budget, requests: AtomicU32::new(0), bytes: AtomicU64::new(0) }
    }

    /// Takes one request and the bytes of its body, or nothing.
    pub(crate) fn take_request(&self, body_bytes: usize) -> Result<(), EgressError> {
        self.take_bytes(body_bytes, Delivery::NotSent)?;
        let limit = self.budget.requests;
        let taken = self.requests.try_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
            (spent < limit).then(|| spent.saturating_add(1))
        });
        if taken.is_ok() {
            return Ok(());
        }
        self.bytes.fetch_sub(as_u64(body_bytes), Ordering::Relaxed);
        Err(quota(
            Delivery::NotSent,
            format!("this call has sent its {limit} requests: send fewer, or have the limit raised"),
        ))
    }

    /// Takes bytes of a body, before or after they pass.
    pub(crate) fn take_bytes(&self, bytes: usize, delivery: Delivery) -> Result<(), EgressError> {
        let (bytes, limit) = (as_u64(bytes), self.budget.bytes);
        let taken = self.bytes.try_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
            spent.checked_add(bytes).filter(|total| *total <= limit)
        });
        match taken {
            Ok(_) => Ok(()),
            Err(spent) => Err(quota(
                delivery,
                format!(
                    "this call may move {limit} bytes of bodies and has moved {spent}: ask for less, or have the \
                     limit raised"
                ),
            )),
        }
    }
}

fn as_u64(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn quota(delivery: Delivery, message: String) -> EgressError {
    EgressError::new(EgressErrorKind::Quota, delivery, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_too_many_names_the_limit_and_spends_nothing() {
        let spending = Spending::new(EgressBudget { requests: 2, bytes: 10 });
        assert!(spending.take_request(5).is_ok());
        assert!(spending.take_request(0).is_ok());
        let error = spending.take_request(5).unwrap_err();
        assert_eq!((error.kind, error.delivery), (EgressErrorKind::Quota, Delivery::NotSent));
        assert!(error.message.contains("its 2 requests"), "{}", error.message);
        assert!(spending.take_bytes(5, Delivery::Unknown).is_ok());
    }

    #[test]
    fn a_byte_too_many_names_the_limit() {
        let spending = Spending::new(EgressBudget { requests: 9, bytes: 10 });
        assert!(spending.take_request(4).is_ok());
        assert!(spending.take_bytes(6, Delivery::Unknown).is_ok());
        let error = spending.take_bytes(1, Delivery::Unknown).unwrap_err();
        assert_eq!((error.kind, error.delivery), (EgressErrorKind::Quota, Delivery::Unknown));
        assert!(error.message.contains("10 bytes"), "{}", error.message);
        assert!(spending.take_bytes(usize::MAX, Delivery::Unknown).is_err());
    }
}
