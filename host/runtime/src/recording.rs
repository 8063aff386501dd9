//! What the host answered a plugin during a call, taken down so that the call can be had again with everything
//! unplugged.
//!
//! A [`Recorder`] takes down one call; [`Recorder::recording`] is what it took down. The same component, called with
//! the same request and [`Tape::Replay`], gets the same answers in the same order and so does the same. What the
//! plugin wrote to its storage is not part of what a replayed call returns: nothing is written by it.
//!
//! A recording holds whatever the plugin was given, revealed secrets too. Keep it sealed, and never show it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use mortise_model::id::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

mod arguments;
mod frame;
mod player;

pub(crate) use self::arguments::Arguments;
pub(crate) use self::player::Diverged;
pub use self::player::Player;

use self::frame::Frame;
pub(crate) use self::frame::{Mark, mark};

/// Whether a call's answers are taken down, or come from a recording.
#[derive(Debug, Clone, Default)]
pub enum Tape {
    /// Neither.
    #[default]
    Off,
    /// They are taken down.
    Record(Recorder),
    /// They come from a recording. Nothing outside of the plugin is touched.
    Replay(Player),
}

/// Why bytes are no recording that can be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// They are something else, or damaged.
    #[error("this is not a recording, or it is damaged at byte {at}")]
    Malformed {
        /// Where.
        at: usize,
    },
    /// Another version of the host made it.
    #[error("the recording has format {found}; this host reads format {reads}")]
    Format {
        /// Its format.
        found: u16,
        /// What this host reads.
        reads: u16,
    },
}

/// The answers of one call. Its bytes are a secret like any that the plugin was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Recording(Bytes);

impl Recording {
    /// Looks whether the bytes are a recording.
    pub fn read(bytes: Bytes) -> Result<Self, RecordingError> {
        frame::read(&bytes).map(|_| Self(bytes))
    }

    /// The bytes. Seal them before they are kept.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether it ends before the call did, because it reached its size limit.
    pub fn is_cut(&self) -> bool {
        frame::read(&self.0).is_ok_and(|frames| frames.iter().any(|frame| matches!(frame, Frame::Cut { .. })))
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({} bytes)", self.0.len())
    }
}

/// Takes down one call. Clones share what they take down.
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<Taken>>);

struct Taken {
    bytes: Vec<u8>,
    most: usize,
    open: bool,
    exchanges: u32,
}

impl Recorder {
    /// Takes down a call until the recording has `most` bytes; the rest is left out, and a mark says so.
    pub fn new(most: usize) -> Self {
        let bytes = frame::header();
        Self(Arc::new(Mutex::new(Taken { bytes, most, open: true, exchanges: 0 })))
    }

    /// What was taken down until now.
    pub fn recording(&self) -> Recording {
        Recording(self.taken().bytes.clone().into())
    }

    pub(crate) fn begin(&self, release: &Digest, function: &str) {
        let release = release.to_string();
        self.taken().add(&Frame::Begin { release: Cow::Owned(release), function: Cow::Borrowed(function) });
    }

    pub(crate) fn call(&self, function: &str, asked: Arguments, answer: &impl Serialize) {
        let answer = frame::encode(answer);
        let Arguments { about, parts } = asked;
        let marks = parts.iter().map(|(_, mark)| *mark).collect();
        self.taken().add(&Frame::Call {
            function: Cow::Borrowed(function),
            about: Cow::Owned(about),
            marks: Cow::Owned(marks),
            answer: Cow::Owned(answer),
        });
    }

    /// The number of the next exchange whose answer comes later than the call that began it.
    pub(crate) fn next_exchange(&self) -> u32 {
        let mut taken = self.taken();
        taken.exchanges += 1;
        taken.exchanges
    }

    pub(crate) fn arrival(&self, exchange: u32, request: Mark, answer: &impl Serialize) {
        let answer = frame::encode(answer);
        self.taken().add(&Frame::Arrival { exchange, request, answer: Cow::Owned(answer) });
    }

    pub(crate) fn end(&self) {
        self.taken().add(&Frame::End);
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn add(&mut self, frame: &Frame<'_>) {
        if !self.open {
            return;
        }
        let framed = frame::framed(frame);
        // The mark that something is missing has room of its own.
        if self.bytes.len().saturating_add(framed.len()) > self.most {
            let most = u64::try_from(self.most).unwrap_or(u64::MAX);
            self.bytes.extend_from_slice(&frame::framed(&Frame::Cut { most }));
            self.open = false;
            return;
        }
        self.bytes.extend_from_slice(&framed);
        self.open = !matches!(frame, Frame::End);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({} bytes)", self.taken().bytes.len())
    }
}

impl Tape {
    /// A call of `function` begins.
    pub(crate) fn begin(&self, release: &Digest, function: &str) -> Result<(), Diverged> {
        match self {
            Self::Off => Ok(()),
            Self::Record(recorder) => {
                recorder.begin(release, function);
                Ok(())
            }
            Self::Replay(player) => player.begin(function),
        }
    }

    /// The answer of something that does not pass the gate, because it cannot be refused. A replay that has another
    /// one there answers the default, and ends at the next call of the host.
    pub(crate) fn answer<A: Serialize + DeserializeOwned + Default>(
        &self,
        function: &str,
        real: impl FnOnce() -> A,
    ) -> A {
        match self {
            Self::Off => real(),
            Self::Record(recorder) => {
                let answer = real();
                recorder.call(function, Arguments::default(), &answer);
                answer
            }
            Self::Replay(player) => player.answer(function, &Arguments::default()).unwrap_or_default(),
        }
    }

    /// The call is over, and the plugin returned.
    pub(crate) fn end(&self) -> Result<(), Diverged> {
        match self {
            Self::Off => Ok(()),
            Self::Record(recorder) => {
                recorder.end();
                Ok(())
            }
            Self::Replay(player) => player.end(),
        }
    }
}

/// Answers by the number of their exchange.
type Arrivals = BTreeMap<u32, (Mark, Vec<u8>)>;

fn decode<A: DeserializeOwned>(bytes: &[u8]) -> Option<A> {
    postcard::from_bytes(bytes).ok()
}
