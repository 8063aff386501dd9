//! The ways to a call that are compared.

use std::path::Path;

use crate::full::Full;
use crate::minimum::{Manner, Minimum};
use crate::{Outcome, job};

/// A way to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The least that wasmtime needs.
    Plain,
    /// The least that a guest needs which can be stopped and can wait.
    Interruptible,
    /// Mortise's.
    Full,
}

impl Way {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Interruptible, Self::Full];

    /// The name on the command line of a child.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Interruptible => "interruptible",
            Self::Full => "full",
        }
    }

    /// The name in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Plain => "(a) wasmtime: instantiate, call, drop",
            Self::Interruptible => "    the same, asynchronous and with epochs",
            Self::Full => "(b) Mortise: grant, budgets, log, counters",
        }
    }
}

/// A way that is ready to be gone.
pub(crate) enum Contender {
    /// Wasmtime alone.
    Minimum(Minimum),
    /// Mortise.
    Full(Box<Full>),
}

impl Contender {
    /// Prepares a way, with room for `slots` calls at a time.
    pub(crate) async fn new(way: Way, slots: u32, directory: &Path) -> Outcome<Self> {
        let component = job::component()?;
        Ok(match way {
            Way::Plain => Self::Minimum(Minimum::new(&component, slots, Manner::Plain)?),
            Way::Interruptible => Self::Minimum(Minimum::new(&component, slots, Manner::Interruptible)?),
            Way::Full => Self::Full(Box::new(Full::new(&component, directory, slots).await?)),
        })
    }

    /// Makes `count` calls, one after the other.
    pub(crate) async fn calls(&self, count: u32) -> Outcome<()> {
        match self {
            Self::Minimum(minimum) => {
                for _ in 0..count {
                    minimum.call().await?;
                }
            }
            Self::Full(full) => {
                for _ in 0..count {
                    full.call().await?;
                }
                full.drain_log();
            }
        }
        Ok(())
    }
}
