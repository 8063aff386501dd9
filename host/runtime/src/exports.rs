//! The functions that components export, and where they are in one.

use wasmtime::component::{Component, ComponentExportIndex};

/// A function that components export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Export {
    /// `manifest.describe`
    Describe,
    /// `connector.entities`
    Entities,
    /// `connector.test`
    Test,
    /// `connector.pull`
    Pull,
    /// `connector.pull-one`
    PullOne,
    /// `connector.push`
    Push,
    /// `connector.handle-webhook`
    HandleWebhook,
}

impl Export {
    /// Every function, in the order of their numbers.
    pub(crate) const ALL: [Self; 7] = [
        Self::Describe,
        Self::Entities,
        Self::Test,
        Self::Pull,
        Self::PullOne,
        Self::Push,
        Self::HandleWebhook,
    ];

    /// The name, as the contract has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Entities => "entities",
            Self::Test => "test",
            Self::Pull => "pull",
            Self::PullOne => "pull-one",
            Self::Push => "push",
            Self::HandleWebhook => "handle-webhook",
        }
    }

    fn interface(self) -> &'static str {
        match self {
            Self::Describe => "mortise:plugin/manifest@0.1.0",
            _ => "mortise:plugin/connector@0.1.0",
        }
    }
}

/// Where the functions are in one component.
///
/// With it a call finds its function without a name, and has the types of that one function compared and of no other.
pub(crate) struct Exports([Option<ComponentExportIndex>; Export::ALL.len()]);

impl Exports {
    /// Looks for all of them.
    pub(crate) fn of(component: &Component) -> Self {
        Self(Export::ALL.map(|export| {
            let (_, interface) = component.get_export(None, export.interface())?;
            let (_, function) = component.get_export(Some(&interface), export.name())?;
            Some(function)
        }))
    }

    /// Where one is.
    pub(crate) fn get(&self, export: Export) -> Option<ComponentExportIndex> {
        self.0.get(export as usize).copied().flatten()
    }
}
