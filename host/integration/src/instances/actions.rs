//! Which actions an instance has: those that were asked for, or everything that the plugin can pull.

use std::sync::Arc;

use mortise_egress::SecretSource;
use mortise_model::connector::EntityOffer;
use mortise_model::entity::EntityKind;
use mortise_model::error::FieldError;
use mortise_model::id::{RunId, TenantId};
use mortise_model::instance::{Direction, Instance, SyncAction};
use mortise_model::log::LogLine;
use mortise_runtime::CallError;
use mortise_runtime::{CallMode, LogWriter, RuntimeError};
use tokio_util::sync::CancellationToken;

use crate::IntegrationError;
use crate::binding;
use crate::integration::Inner;

/// The actions of an instance that is made or changed: those `wanted`, or everything that its plugin can pull.
///
/// The plugin is asked what it offers with the instance's settings. When it cannot say, `wanted` is taken as it is.
pub(super) async fn choose(
    inner: &Inner,
    tenant: &TenantId,
    instance: &Instance,
    secrets: Arc<dyn SecretSource>,
    wanted: Option<Vec<SyncAction>>,
) -> Result<Vec<SyncAction>, IntegrationError> {
    let binding = binding::resolve(inner, tenant, instance, secrets).await?;
    let run = RunId::new();
    let key = run.to_string();
    let call = binding.call(run, 1, key, CallMode::DryRun, Arc::new(NoLog), CancellationToken::new());
    let offers = match inner.runtime.entities(call).await {
        Ok(returned) => Ok(returned.value),
        Err(CallError::Host(error @ RuntimeError::Store(_))) => return Err(error.into()),
        Err(error) => Err(error.to_string()),
    };
    selection(offers.as_deref().map_err(String::as_str), wanted).map_err(IntegrationError::Invalid)
}

/// What the plugin says meanwhile is of no use: there is no run to show it in.
struct NoLog;

impl LogWriter for NoLog {
    fn write(&self, _: LogLine) {}
}

fn selection(
    offers: Result<&[EntityOffer], &str>,
    wanted: Option<Vec<SyncAction>>,
) -> Result<Vec<SyncAction>, Vec<FieldError>> {
    let invalid = |code: &str, message: String| Err(vec![FieldError::new("/actions", code, message)]);
    match (offers, wanted) {
        (offers, Some(wanted)) => {
            if wanted.is_empty() {
                return invalid("required", "an instance has at least one action".to_owned());
            }
            let errors = problems(offers.ok(), &wanted);
            if errors.is_empty() { Ok(wanted) } else { Err(errors) }
        }
        (Ok(offers), None) => {
            let pulls: Vec<_> = EntityKind::ALL
                .into_iter()
                .map(|entity| SyncAction { entity, direction: Direction::Pull })
                .filter(|action| is_offered(offers, *action))
                .collect();
            if pulls.is_empty() {
                return invalid(
                    "required",
                    format!(
                        "the plugin pulls nothing that the platform has, name the actions: it offers {}",
                        listed(offers)
                    ),
                );
            }
            Ok(pulls)
        }
        (Err(reason), None) => invalid(
            "required",
            format!("the plugin could not be asked what it offers, name the actions: {reason}"),
        ),
    }
}

fn problems(offers: Option<&[EntityOffer]>, wanted: &[SyncAction]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (place, action) in wanted.iter().enumerate().take(wanted.len().min(100)) {
        let pointer = format!("/actions/{place}");
        if wanted.iter().take(place).any(|other| other == action) {
            errors.push(FieldError::new(pointer, "not-unique", format!("`{}` is there twice", action.key())));
        } else if let Some(offers) = offers.filter(|offers| !is_offered(offers, *action)) {
            let message =
                format!("the plugin does not offer `{}`: it offers {}", action.key(), listed(offers));
            errors.push(FieldError::new(pointer, "not-offered", message));
        }
    }
    errors
}

fn is_offered(offers: &[EntityOffer], action: SyncAction) -> bool {
    offers.iter().any(|offer| {
        offer.name == action.entity.name()
            && match action.direction {
                Direction::Pull => offer.pull,
                Direction::Push => offer.push,
            }
    })
}

/// The offers that the platform knows, for a message.
fn listed(offers: &[EntityOffer]) -> String {
    let all = EntityKind::ALL.into_iter().flat_map(|entity| {
        [Direction::Pull, Direction::Push].map(|direction| SyncAction { entity, direction })
    });
    let keys: Vec<_> = all.filter(|action| is_offered(offers, *action)).map(SyncAction::key).collect();
    if keys.is_empty() { "nothing that the platform has".to_owned() } else { keys.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PULL_ACCOUNT: SyncAction = SyncAction { entity: EntityKind::Account, direction: Direction::Pull };
    const PULL_INVOICE: SyncAction = SyncAction { entity: EntityKind::Invoice, direction: Direction::Pull };
    const PUSH_INVOICE: SyncAction = SyncAction { entity: EntityKind::Invoice, direction: Direction::Push };

    fn offer(name: &str, pull: bool, push: bool) -> EntityOffer {
        EntityOffer { name: name.to_owned(), pull, push }
    }

    #[test]
    fn without_a_wish_everything_that_can_be_pulled_is_taken_in_the_order_of_references() {
        let offers =
            [offer("invoice", true, true), offer("account", true, false), offer("ticket", true, true)];
        assert_eq!(selection(Ok(&offers), None), Ok(vec![PULL_ACCOUNT, PULL_INVOICE]));
    }

    #[test]
    fn what_was_asked_for_keeps_its_order() {
        let offers = [offer("invoice", true, true), offer("account", true, false)];
        let wanted = vec![PUSH_INVOICE, PULL_ACCOUNT];
        assert_eq!(selection(Ok(&offers), Some(wanted.clone())), Ok(wanted));
    }

    #[test]
    fn actions_that_cannot_be_taken_are_refused_where_they_are() {
        let offers = [offer("invoice", true, false), offer("ticket", true, true)];
        for (offers, wanted, pointer, code) in [
            (Ok(offers.as_slice()), Some(vec![]), "/actions", "required"),
            (Ok(offers.as_slice()), Some(vec![PULL_INVOICE, PUSH_INVOICE]), "/actions/1", "not-offered"),
            (Ok(offers.as_slice()), Some(vec![PULL_ACCOUNT]), "/actions/0", "not-offered"),
            (Ok(offers.as_slice()), Some(vec![PULL_INVOICE, PULL_INVOICE]), "/actions/1", "not-unique"),
            (Ok(&offers[1..]), None, "/actions", "required"),
            (Err("it trapped"), None, "/actions", "required"),
        ] {
            let errors = selection(offers, wanted.clone()).unwrap_err();
            let found: Vec<_> =
                errors.iter().map(|error| (error.pointer.as_str(), error.code.as_str())).collect();
            assert_eq!(found, [(pointer, code)], "{wanted:?}");
        }
    }

    #[test]
    fn what_was_asked_for_is_taken_when_the_plugin_cannot_say() {
        assert_eq!(selection(Err("it trapped"), Some(vec![PUSH_INVOICE])), Ok(vec![PUSH_INVOICE]));
    }
}
