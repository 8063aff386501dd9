//! The one gate that every call of a host function passes: grant, count, trace, record or replay.
//!
//! A host function enters before it does anything and leaves with its answer. What comes in is the function and its
//! arguments, what goes out is the answer: a recording takes down both. In a replay the answer is there as soon as the
//! function enters, and the function does nothing.

use std::fmt;
use std::sync::Arc;

use mortise_model::manifest::Capability;
use mortise_model::plugin::Permissions;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bounds::HOST_CALLS;
use crate::capability::log::Lines;
use crate::metrics::GateCounters;
use crate::recording::{Arguments, Tape};

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
    Poll = "wasi:io/poll"."poll",
    PollableReady = "wasi:io/poll"."pollable.ready",
    PollableBlock = "wasi:io/poll"."pollable.block",
    WasiHttpHandle = "wasi:http/outgoing-handler"."handle" needs Http,
    WasiHttpExchange = "wasi:http/outgoing-handler"."exchange" needs Http,
    WasiHttpResponse = "wasi:http/types"."future-incoming-response.get",
    KeyvalueOpen = "wasi:keyvalue/store"."open" needs Storage,
    KeyvalueGet = "wasi:keyvalue/store"."bucket.get" needs Storage,
    KeyvalueSet = "wasi:keyvalue/store"."bucket.set" needs Storage,
    KeyvalueDelete = "wasi:keyvalue/store"."bucket.delete" needs Storage,
    KeyvalueExists = "wasi:keyvalue/store"."bucket.exists" needs Storage,
    KeyvalueListKeys = "wasi:keyvalue/store"."bucket.list-keys" needs Storage,
    KeyvalueIncrement = "wasi:keyvalue/atomics"."increment" needs Storage,
    KeyvalueCasNew = "wasi:keyvalue/atomics"."cas.new" needs Storage,
    KeyvalueCasCurrent = "wasi:keyvalue/atomics"."cas.current" needs Storage,
    KeyvalueSwap = "wasi:keyvalue/atomics"."swap" needs Storage,
    KeyvalueGetMany = "wasi:keyvalue/batch"."get-many" needs Storage,
    KeyvalueSetMany = "wasi:keyvalue/batch"."set-many" needs Storage,
    KeyvalueDeleteMany = "wasi:keyvalue/batch"."delete-many" needs Storage,
    ConfigGet = "wasi:config/store"."get",
    ConfigGetAll = "wasi:config/store"."get-all",
    LoggingLog = "wasi:logging/logging"."log",
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
pub(crate) enum Passage<A> {
    /// It may.
    Granted,
    /// It may not. The sentence says what to grant.
    Denied(String),
    /// It need not: the call is replayed, and this was its answer.
    Replayed(A),
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
    tape: Tape,
    /// What the function asked that entered and has not left yet, while a recording is made.
    asked: Arguments,
}

/// Lets a host function in, does its work unless it is denied or replayed, and lets its answer out.
macro_rules! gated {
    ($state:ident, $function:ident, $told:expr, $work:expr, $denied:expr) => {
        match $state.gate.enter($crate::gate::Function::$function, $told)? {
            $crate::gate::Passage::Replayed(answer) => Ok(answer),
            $crate::gate::Passage::Granted => {
                let answer = $work;
                Ok($state.gate.leave($crate::gate::Function::$function, answer))
            }
            $crate::gate::Passage::Denied(sentence) => {
                Ok($state.gate.leave($crate::gate::Function::$function, Err($denied(sentence))))
            }
        }
    };
    // For a function that needs no grant and cannot fail.
    ($state:ident, $function:ident, $told:expr, $work:expr) => {
        match $state.gate.recall($crate::gate::Function::$function, $told)? {
            Some(answer) => Ok(answer),
            None => {
                let answer = $work;
                Ok($state.gate.leave_with($crate::gate::Function::$function, answer))
            }
        }
    };
}
pub(crate) use gated;

/// Of a function without arguments.
pub(crate) fn nothing(_: &mut Arguments) {}

impl Gate {
    pub(crate) fn new(
        permissions: Arc<Permissions>,
        counters: Arc<GateCounters>,
        lines: Arc<Lines>,
        tape: Tape,
    ) -> Self {
        Self { permissions, counters, lines, calls: 0, tape, asked: Arguments::default() }
    }

    /// Whether answers are taken down or replayed.
    pub(crate) fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Lets a host function in, or says what to grant. `tell` tells what it was asked, where somebody wants to know.
    ///
    /// # Errors
    /// [`TooManyHostCalls`], or that the call is not the recorded one; both end the call.
    pub(crate) fn enter<A: DeserializeOwned>(
        &mut self,
        function: Function,
        tell: impl FnOnce(&mut Arguments),
    ) -> wasmtime::Result<Passage<A>> {
        if let Some(answer) = self.recall(function, tell)? {
            return Ok(Passage::Replayed(answer));
        }
        let Some(capability) = function.needs() else { return Ok(Passage::Granted) };
        if self.permissions.capabilities.contains(&capability) {
            return Ok(Passage::Granted);
        }
        let sentence =
            format!("{function} is not granted: grant the capability `{}` to the plugin", capability.name());
        Ok(Passage::Denied(sentence))
    }

    /// Lets a host function in that needs no grant. Answers what it answered before, when the call is replayed.
    ///
    /// # Errors
    /// As [`Gate::enter`].
    pub(crate) fn recall<A: DeserializeOwned>(
        &mut self,
        function: Function,
        tell: impl FnOnce(&mut Arguments),
    ) -> wasmtime::Result<Option<A>> {
        self.calls += 1;
        if self.calls > HOST_CALLS {
            return Err(TooManyHostCalls.into());
        }
        match &self.tape {
            Tape::Off => Ok(None),
            Tape::Record(_) => {
                self.asked = Arguments::default();
                tell(&mut self.asked);
                Ok(None)
            }
            Tape::Replay(player) => {
                let mut asked = Arguments::default();
                tell(&mut asked);
                Ok(Some(player.answer(&function.to_string(), &asked)?))
            }
        }
    }

    /// Lets a host function's answer out.
    pub(crate) fn leave<T: Serialize, E: Refusal + Serialize>(
        &mut self,
        function: Function,
        answer: Result<T, E>,
    ) -> Result<T, E> {
        self.judge(function, &answer);
        self.keep(function, &answer);
        answer
    }

    /// Lets a host function's answer out that is a handle. A replay makes a handle of its own.
    pub(crate) fn leave_opened<T, E: Refusal + Serialize>(
        &mut self,
        function: Function,
        answer: Result<T, E>,
    ) -> Result<T, E> {
        self.judge(function, &answer);
        self.keep(function, &answer.as_ref().map(|_| ()));
        answer
    }

    /// Lets a host function's answer out that cannot be an error.
    pub(crate) fn leave_with<T: Serialize>(&mut self, function: Function, answer: T) -> T {
        self.passed(function, Outcome::Answered);
        self.keep(function, &answer);
        answer
    }

    fn judge<T, E: Refusal>(&self, function: Function, answer: &Result<T, E>) {
        let outcome = match answer {
            Ok(_) => Outcome::Answered,
            Err(error) => match error.denial() {
                Some(sentence) => {
                    self.lines.denied(sentence);
                    Outcome::Denied
                }
                None => Outcome::Failed,
            },
        };
        self.passed(function, outcome);
    }

    fn keep(&mut self, function: Function, answer: &impl Serialize) {
        if let Tape::Record(recorder) = &self.tape {
            recorder.call(&function.to_string(), std::mem::take(&mut self.asked), answer);
        }
    }

    fn passed(&self, function: Function, outcome: Outcome) {
        self.counters.count(function, outcome);
        tracing::debug!(function = %function, outcome = outcome.name(), "host call");
    }
}

/// An error that a host function answers with.
pub(crate) trait Refusal {
    /// The sentence, when it is a denial.
    fn denial(&self) -> Option<&str>;
}
