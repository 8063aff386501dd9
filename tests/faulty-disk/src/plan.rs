//! What happens, and when.

use std::time::Duration;

/// What happens at the n-th call. Written as words: `fail 17 28 lasting`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// `count`: nothing; the trace tells how many calls there are.
    Count,
    /// `fail N ERRNO [lasting]`: the call fails with a number of `errno`, and with `lasting` every later one too.
    Fail { at: u64, errno: i32, lasting: bool },
    /// `tear N SEED`: a part of the bytes is written, then the process is killed.
    Tear { at: u64, seed: u64 },
    /// `kill N before`: the process is killed instead of the call.
    KillBefore { at: u64 },
    /// `kill N after`: the process is killed after the call.
    KillAfter { at: u64 },
    /// `delay N MILLISECONDS`: the call waits, while other threads' calls pass it.
    Delay { at: u64, by: Duration },
    /// `cut N SEED`: the power fails after the call. Of what was not synced, some is there, some torn, some not.
    Cut { at: u64, seed: u64 },
}

impl Plan {
    /// Reads a plan. None when it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |place: usize| words.get(place)?.parse::<u64>().ok();
        Some(match (words.as_slice(), number(1)) {
            (["count"], _) => Self::Count,
            (["fail", _, errno], Some(at)) => Self::Fail { at, errno: errno.parse().ok()?, lasting: false },
            (["fail", _, errno, "lasting"], Some(at)) => {
                Self::Fail { at, errno: errno.parse().ok()?, lasting: true }
            }
            (["tear", _, _], Some(at)) => Self::Tear { at, seed: number(2)? },
            (["kill", _, "before"], Some(at)) => Self::KillBefore { at },
            (["kill", _, "after"], Some(at)) => Self::KillAfter { at },
            (["delay", _, _], Some(at)) => Self::Delay { at, by: Duration::from_millis(number(2)?) },
            (["cut", _, _], Some(at)) => Self::Cut { at, seed: number(2)? },
            _ => return None,
        })
    }

    /// Whether a power cut is to come, so that what is not synced must be known.
    pub(crate) fn loses(self) -> bool {
        matches!(self, Self::Cut { .. })
    }
}

/// Numbers that look random and are the same for the same seed (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`; 0 when there is none.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)).checked_rem(end).unwrap_or(0)
    }
}
