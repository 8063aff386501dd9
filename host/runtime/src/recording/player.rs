//! Gives a plugin the answers of a recording, as long as it asks what it asked then.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;

use super::frame::{self, Frame, Mark};
use super::{Arguments, Arrivals, Recording, decode};

/// The plugin did something else than in the recording. The sentence says at which call, and what differed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Diverged(pub(crate) String);

/// Gives one call the answers of a recording. Good for one call; clones share how far it has come.
#[derive(Clone)]
pub struct Player(Arc<Mutex<Playing>>);

struct Playing {
    function: Option<String>,
    calls: Vec<Call>,
    next: usize,
    exchanges: u32,
    arrivals: Arrivals,
    end: End,
    diverged: Option<Diverged>,
}

struct Call {
    function: String,
    about: String,
    marks: Vec<Mark>,
    answer: Vec<u8>,
}

/// How a recording ends.
#[derive(Clone, Copy)]
enum End {
    /// The plugin returned.
    Returned,
    /// It reached its limit.
    Cut { most: u64 },
    /// The plugin was stopped, or broke.
    Stopped,
}

impl Player {
    /// Plays a recording from its beginning.
    pub fn new(recording: &Recording) -> Self {
        let mut playing = Playing {
            function: None,
            calls: Vec::new(),
            next: 0,
            exchanges: 0,
            arrivals: Arrivals::new(),
            end: End::Stopped,
            diverged: None,
        };
        // Whoever has a `Recording` has read it once.
        for frame in frame::read(recording.bytes()).unwrap_or_default() {
            match frame {
                Frame::Begin { function, .. } => playing.function = Some(function.into_owned()),
                Frame::Call { function, about, marks, answer } => playing.calls.push(Call {
                    function: function.into_owned(),
                    about: about.into_owned(),
                    marks: marks.into_owned(),
                    answer: answer.into_owned(),
                }),
                Frame::Arrival { exchange, request, answer } => {
                    playing.arrivals.insert(exchange, (request, answer.into_owned()));
                }
                Frame::Cut { most } => playing.end = End::Cut { most },
                Frame::End => playing.end = End::Returned,
            }
        }
        Self(Arc::new(Mutex::new(playing)))
    }

    pub(super) fn begin(&self, function: &str) -> Result<(), Diverged> {
        match &self.playing().function {
            Some(recorded) if recorded != function => {
                Err(Diverged(format!("the recording is of a call of `{recorded}`, not of `{function}`")))
            }
            _ => Ok(()),
        }
    }

    /// The answer to the plugin's next call of the host, if it is the recorded one.
    pub(crate) fn answer<A: DeserializeOwned>(
        &self,
        function: &str,
        asked: &Arguments,
    ) -> Result<A, Diverged> {
        let mut playing = self.playing();
        let answer = playing.answer(function, asked);
        if let Err(diverged) = &answer {
            playing.diverged.get_or_insert_with(|| diverged.clone());
        }
        answer
    }

    pub(crate) fn next_exchange(&self) -> u32 {
        let mut playing = self.playing();
        playing.exchanges += 1;
        playing.exchanges
    }

    /// The answer that arrived for an exchange. None when none did.
    pub(crate) fn arrived<A: DeserializeOwned>(&self, exchange: u32, request: Mark) -> Option<A> {
        let mut playing = self.playing();
        let (recorded, answer) = playing.arrivals.remove(&exchange)?;
        if recorded != request {
            let sentence =
                format!("the body of request {exchange} through wasi:http is not the recorded one");
            playing.diverged.get_or_insert(Diverged(sentence));
            return None;
        }
        decode(&answer)
    }

    /// The plugin returned.
    pub(super) fn end(&self) -> Result<(), Diverged> {
        let playing = self.playing();
        if let Some(diverged) = &playing.diverged {
            return Err(diverged.clone());
        }
        match playing.calls.get(playing.next) {
            Some(call) => Err(Diverged(format!(
                "the plugin returned after call {} of the host, where the recording goes on with call {}, {}",
                playing.next,
                playing.next + 1,
                told(&call.function, &call.about),
            ))),
            None => match playing.end {
                End::Returned => Ok(()),
                End::Cut { .. } | End::Stopped => Err(playing.ends_here()),
            },
        }
    }

    fn playing(&self) -> MutexGuard<'_, Playing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Playing {
    fn answer<A: DeserializeOwned>(&mut self, function: &str, asked: &Arguments) -> Result<A, Diverged> {
        if let Some(diverged) = &self.diverged {
            return Err(diverged.clone());
        }
        let number = self.next + 1;
        let now = told(function, &asked.about);
        let Some(call) = self.calls.get(self.next) else {
            return Err(match self.end {
                End::Returned => Diverged(format!(
                    "call {number} of the host differs: the plugin called {now}, where it returned in the recording"
                )),
                End::Cut { .. } | End::Stopped => self.ends_here(),
            });
        };
        let recorded = told(&call.function, &call.about);
        if call.function != function {
            return Err(Diverged(format!(
                "call {number} of the host differs: the plugin called {now}, where the recording has {recorded}"
            )));
        }
        let differing: Vec<_> = asked
            .parts
            .iter()
            .enumerate()
            .filter(|(position, (_, mark))| call.marks.get(*position) != Some(mark))
            .map(|(_, (name, _))| format!("`{name}`"))
            .collect();
        if !differing.is_empty() || call.marks.len() != asked.parts.len() {
            return Err(Diverged(format!(
                "call {number} of the host differs in {}: the plugin called {now}, where the recording has {recorded}",
                differing.join(", ")
            )));
        }
        let answer = decode(&call.answer).ok_or_else(|| {
            Diverged(format!("the recorded answer of call {number}, {recorded}, does not read back"))
        })?;
        self.next += 1;
        Ok(answer)
    }

    fn ends_here(&self) -> Diverged {
        let calls = self.calls.len();
        Diverged(match self.end {
            End::Cut { most } => {
                format!(
                    "the recording was cut here, after {calls} calls of the host, at its limit of {most} bytes"
                )
            }
            End::Returned | End::Stopped => {
                format!(
                    "the recording ends here, after {calls} calls of the host: the plugin was stopped then"
                )
            }
        })
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let playing = self.playing();
        write!(f, "Player(call {} of {})", playing.next, playing.calls.len())
    }
}

fn told(function: &str, about: &str) -> String {
    if about.is_empty() { format!("{function}()") } else { format!("{function}({about})") }
}
