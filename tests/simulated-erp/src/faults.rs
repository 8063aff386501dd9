//! Misbehaviour on demand: what a test asks for, and which request it meets.

mod inject;
mod reshape;
mod rule;

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{Method, Uri};

pub(crate) use self::inject::inject;
pub use self::rule::{Damage, Fault, FaultRule, FaultRuleError, RetryAfter};

/// How many rules may wait at one time.
const MAX_RULES: usize = 1_000;

/// The rules that wait for requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<FaultRule>>,
}

impl Faults {
    pub(crate) fn add(&self, rule: FaultRule) -> Result<(), FaultRuleError> {
        rule.check()?;
        let mut rules = self.rules();
        if MAX_RULES <= rules.len() {
            return Err(FaultRuleError::TooMany { limit: MAX_RULES });
        }
        rules.push(rule);
        Ok(())
    }

    /// The rules that still wait, with what is left of their counts.
    pub(crate) fn waiting(&self) -> Vec<FaultRule> {
        self.rules().clone()
    }

    pub(crate) fn clear(&self) {
        self.rules().clear();
    }

    /// The fault that meets this request: of the oldest matching rule that skips no more requests.
    fn meet(&self, method: &Method, uri: &Uri) -> Option<Fault> {
        let mut rules = self.rules();
        for (position, rule) in rules.iter_mut().enumerate() {
            if !rule.matches(method, uri) {
                continue;
            }
            if 0 < rule.skip {
                rule.skip -= 1;
                continue;
            }
            rule.times -= 1;
            let fault = rule.fault.clone();
            if rule.times == 0 {
                rules.remove(position);
            }
            return Some(fault);
        }
        None
    }

    fn rules(&self) -> MutexGuard<'_, Vec<FaultRule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(faults: &Faults, method: &Method, uri: &'static str) -> bool {
        faults.meet(method, &Uri::from_static(uri)).is_some()
    }

    #[test]
    fn a_rule_skips_then_meets_then_is_gone() {
        let faults = Faults::default();
        let rule = FaultRule { skip: 1, times: 2, ..FaultRule::once(Fault::Hang) };
        faults.add(rule).unwrap();

        let met = [(); 4].map(|()| meets(&faults, &Method::GET, "/api/v2/ping"));

        assert_eq!(met, [false, true, true, false]);
        assert_eq!(faults.waiting(), []);
    }

    #[test]
    fn a_rule_meets_only_its_method_path_and_query() {
        let faults = Faults::default();
        let rule = FaultRule {
            method: Some("GET".to_owned()),
            path_prefix: "/api/v2/invoices".to_owned(),
            query_contains: Some("page=3".to_owned()),
            times: 100,
            ..FaultRule::once(Fault::Hang)
        };
        faults.add(rule).unwrap();

        for (method, uri, expected) in [
            (Method::GET, "/api/v2/invoices?page=3&pageSize=10", true),
            (Method::GET, "/api/v2/invoices?page=4", false),
            (Method::GET, "/api/v2/invoices", false),
            (Method::GET, "/api/v2/customers?page=3", false),
            (Method::POST, "/api/v2/invoices?page=3", false),
        ] {
            assert_eq!(meets(&faults, &method, uri), expected, "{method} {uri}");
        }
    }
}
