//! From the contract's calls to the trait's.

use std::marker::PhantomData;

use crate::bindings::exports::mortise::plugin::connector::{
    Check, Entity, Guest as ConnectorGuest, PullEnd, PullRequest, PushItem, PushResult, WebhookResult,
};
use crate::bindings::exports::mortise::plugin::manifest::{Guest as ManifestGuest, PluginManifest};
use crate::bindings::mortise::plugin::types::InboundRequest;
use crate::connector::Connector;
use crate::error::Result;
use crate::settings;
use crate::sink::{PulledRecord, Sink};

/// What [`export_connector!`](crate::export_connector) exports for the connector `C`.
#[derive(Debug)]
pub struct Exported<C>(PhantomData<C>);

/// Exports a type that implements [`Connector`](crate::Connector) as the component's connector and manifest.
///
/// Once per crate. The crate is a `cdylib`.
#[macro_export]
macro_rules! export_connector {
    ($connector:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type ExportedConnector = $crate::export::Exported<$connector>;
    $crate::bindings::export_connector_world!(ExportedConnector with_types_in $crate::bindings);
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = $crate::export::is_a_connector::<$connector>();
    };
}

/// Checks natively what the export checks in a component.
#[doc(hidden)]
pub const fn is_a_connector<C: Connector>() {}

impl<C: Connector> ManifestGuest for Exported<C> {
    fn describe(document: Option<String>) -> Result<PluginManifest> {
        tell_panics();
        let manifest = match document {
            None => C::manifest(),
            Some(document) => C::describe(&document)?,
        };
        Ok(manifest.into())
    }
}

impl<C: Connector> ConnectorGuest for Exported<C> {
    fn entities() -> Result<Vec<Entity>> {
        open::<C>()?.entities()
    }

    fn test() -> Result<Vec<Check>> {
        open::<C>()?.test()
    }

    fn pull(request: PullRequest) -> Result<PullEnd> {
        open::<C>()?.pull(request, &Sink::of_this_call())
    }

    fn pull_one(entity: String, external_id: String) -> Result<Option<PulledRecord>> {
        open::<C>()?.pull_one(&entity, &external_id)
    }

    fn push(entity: String, items: Vec<PushItem>) -> Result<Vec<PushResult>> {
        open::<C>()?.push(&entity, items)
    }

    fn handle_webhook(request: InboundRequest) -> Result<WebhookResult> {
        open::<C>()?.handle_webhook(request)
    }
}

fn open<C: Connector>() -> Result<C> {
    tell_panics();
    C::open(settings::read()?)
}

/// A panic ends the component without a word, so its message goes to the log first.
fn tell_panics() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| {
        crate::log::write(crate::log::Level::Error, &panic.to_string(), &[]);
    }));
}
