//! The one gate that every call of a host function passes: grant, count, trace.
//!
//! A host function enters before it does anything and leaves with its answer. Whoever records or replays a run does it
//! here: what comes in is the function and its arguments, what goes out is the answer.

use std::fmt;
use std::sync::Arc;

use mortise_model::manifest::Capability;
use mortise_model::plugin::Permissions;

use crate::bounds::{HOST_CALLS, LOGGED_DENIALS};
use crate::capability::log::Lines;
use crate::metrics::GateCounters;

macro_rules! functions {
    ($($variant:ident = $interface:literal . $name:literal $(needs $capability:ident)?,)+) => {
        /// A function that the host offers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Function {
            $($variant,)+
        }

        impl Function {
            /// Every function, in the order of their numbers.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The interface's name.
            pub(crate) fn interface(self) -> &'static str {
                match self { $(Self::$variant => $interface,)+ }
            }

            /// Its own name.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What has to be granted.
            fn needs(self) -> Option<Capability> {
                match self { $(Self::$variant => None $(.or(Some(Capability::$capability)))?,)+ }
            }
        }
    };
}

functions! {
    HttpSend = "http"."send" needs Http,
    HttpStart = "http"."start" needs Http,
    HttpWaitAny = "http"."wait-any" needs Http,
    PendingIsReady = "http"."pending.is-ready" needs Http,
    PendingWait = "http"."pending.wait" needs Http,
    StorageGet = "storage"."get" needs Storage,
    StorageSet = "storage"."set" needs Storage,
    StorageDelete = "storage"."delete" needs Storage,
    StorageSwap = "storage"."compare-and-swap" needs Storage,
    StorageListKeys = "storage"."list-keys" needs Storage,
    SecretsOpen = "secrets"."open" needs Secrets,
    SecretName = "secrets"."secret.name" needs Secrets,
    SecretSign = "secrets"."secret.sign" needs Secrets,
    SecretVerify = "secrets"."secret.verify" needs Secrets,
    SecretReveal = "secret-reveal"."reveal" needs SecretReveal,
    LogWrite = "log"."write",
    SettingsGet = "settings"."get",
    SettingsAll = "settings"."all",
    ContextCurrent = "context"."current",
    ContextIsCancelled = "context"."is-cancelled",
    ContextNow = "context"."now",
    SinkCommit = "sink"."commit",
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.interface(), self.name())
    }
}

/// How a call of a host function ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With what was asked for.
    Answered,
    /// With an error.
    Failed,
    /// Not granted.
    Denied,
}

impl Outcome {
    /// Every outcome, in the order of their numbers.
    pub(crate) const ALL: [Self; 3] = [Self::Answered, Self::Failed, Self::Denied];

    /// The name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Denied => "denied",
        }
    }
}

/// Whether a host function may go on.
pub(crate) enum Passage {
    /// It may.
    Granted,
    /// It may not. The sentence says what to grant.
    Denied(String),
}

/// More host calls than a call has.
#[derive(Debug, thiserror::Error)]
#[error("the plugin called the host more than {HOST_CALLS} times in one call")]
pub(crate) struct TooManyHostCalls;

/// The gate of one call.
pub(crate) struct Gate {
    permissions: Arc<Permissions>,
    counters: Arc<GateCounters>,
    lines: Arc<Lines>,
    calls: u32,
    denials: u32,
}

impl Gate {
    pub(crate) fn new(permissions: Arc<Permissions>, counters: Arc<GateCounters>, lines: Arc<Lines>) -> Self {
        Self { permissions, counters, lines, calls: 0, denials: 0 }
    }

    /// Lets a host function in, or says what to grant.
    ///
    /// # Errors
    /// [`TooManyHostCalls`], which ends the call.
    pub(crate) fn enter(&mut self, function: Function) -> wasmtime::Result<Passage> {
        self.calls += 1;
        if self.calls > HOST_CALLS {
            return Err(TooManyHostCalls.into());
        }
        let Some(capability) = function.needs() else { return Ok(Passage::Granted) };
        if self.permissions.capabilities.contains(&capability) {
            return Ok(Passage::Granted);
        }
        let sentence =
            format!("{function} is not granted: grant the capability `{}` to the plugin", capability.name());
        Ok(Passage::Denied(sentence))
    }

    /// Lets a host function's answer out.
    pub(crate) fn leave<T, E: Refusal>(&mut self, function: Function, answer: Result<T, E>) -> Result<T, E> {
        let outcome = match &answer {
            Ok(_) => Outcome::Answered,
            Err(error) => match error.denial() {
                Some(sentence) => {
                    self.tell(sentence);
                    Outcome::Denied
                }
                None => Outcome::Failed,
            },
        };
        self.passed(function, outcome);
        answer
    }

    /// Lets a host function's answer out that cannot be an error.
    pub(crate) fn leave_with<T>(&mut self, function: Function, answer: T) -> T {
        self.passed(function, Outcome::Answered);
        answer
    }

    fn passed(&self, function: Function, outcome: Outcome) {
        self.counters.count(function, outcome);
        tracing::debug!(function = %function, outcome = outcome.name(), "host call");
    }

    fn tell(&mut self, sentence: &str) {
        self.denials += 1;
        if self.denials <= LOGGED_DENIALS {
            self.lines.host(mortise_model::log::LogLevel::Warn, format!("denied: {sentence}"));
        }
    }
}

/// An error that a host function answers with.
pub(crate) trait Refusal {
    /// The sentence, when it is a denial.
    fn denial(&self) -> Option<&str>;
}
