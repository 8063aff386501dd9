//! Numbers that never come twice.

use std::collections::HashSet;
use std::sync::Arc;

use mortise_store::Store;

use crate::fixture::{assert_invalid, other_tenant, tenant};

pub(crate) async fn numbers_begin_at_one_and_follow_one_another(store: Arc<dyn Store>) {
    let mut firsts = Vec::new();
    for count in [1, 5, 1_000, 1] {
        firsts.push(store.reserve_numbers(&tenant(), "account", count).await.unwrap());
    }
    assert_eq!(firsts[0], 1);
    assert!(firsts[1] >= 2 && firsts[2] >= firsts[1] + 5 && firsts[3] >= firsts[2] + 1_000, "{firsts:?}");
}

pub(crate) async fn names_and_tenants_count_for_themselves(store: Arc<dyn Store>) {
    for (tenant, name) in [(tenant(), "account"), (tenant(), "invoice"), (other_tenant(), "account")] {
        assert_eq!(store.reserve_numbers(&tenant, name, 3).await.unwrap(), 1, "{tenant} {name}");
    }
}

pub(crate) async fn no_number_is_given_twice(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (1..=40_u64)
        .map(|count| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let first = store.reserve_numbers(&tenant(), "account", count).await.unwrap();
                first..first + count
            })
        })
        .collect();
    let mut seen = HashSet::new();
    for task in tasks {
        for number in task.await.unwrap() {
            assert!(seen.insert(number), "{number}");
        }
    }
    assert_eq!(seen.len(), 820);
}

pub(crate) async fn a_request_out_of_bounds_is_refused(store: Arc<dyn Store>) {
    assert_invalid(store.reserve_numbers(&tenant(), "account", 0).await, "1000000");
    assert_invalid(store.reserve_numbers(&tenant(), "account", 1_000_001).await, "1000000");
    assert_invalid(store.reserve_numbers(&tenant(), "", 1).await, "64");
    assert_invalid(store.reserve_numbers(&tenant(), &"x".repeat(65), 1).await, "64");
}
