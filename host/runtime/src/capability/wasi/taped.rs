//! Clocks and random numbers that are taken down, or come from a recording.

use std::convert::Infallible;
use std::time::Duration;

use rand::rand_core::TryRng;
use wasmtime_wasi::clocks::{MonotonicClock, WallClock};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use crate::recording::Tape;

/// Puts them into the context. Without a recording the context keeps its own.
pub(super) fn bind(context: &mut WasiCtxBuilder, tape: &Tape) {
    if matches!(tape, Tape::Off) {
        return;
    }
    let seed = tape.answer("wasi:random/insecure-seed.insecure-seed", rand::random::<u128>);
    context
        .wall_clock(Wall { tape: tape.clone(), clock: WallClock::new() })
        .monotonic_clock(Monotonic { tape: tape.clone(), clock: MonotonicClock::new() })
        .secure_random(Random { tape: tape.clone(), function: "wasi:random/random.get-random-bytes" })
        .insecure_random(Random {
            tape: tape.clone(),
            function: "wasi:random/insecure.get-insecure-random-bytes",
        })
        .insecure_random_seed(seed);
}

struct Wall {
    tape: Tape,
    clock: WallClock,
}

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        self.tape.answer("wasi:clocks/wall-clock.resolution", || self.clock.resolution())
    }

    fn now(&self) -> Duration {
        self.tape.answer("wasi:clocks/wall-clock.now", || self.clock.now())
    }
}

struct Monotonic {
    tape: Tape,
    clock: MonotonicClock,
}

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        self.tape.answer("wasi:clocks/monotonic-clock.resolution", || self.clock.resolution())
    }

    fn now(&self) -> u64 {
        self.tape.answer("wasi:clocks/monotonic-clock.now", || self.clock.now())
    }
}

struct Random {
    tape: Tape,
    function: &'static str,
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.tape.answer(self.function, rand::random::<u32>))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.tape.answer(self.function, rand::random::<u64>))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let random: Vec<u8> = self.tape.answer(self.function, || {
            let mut random = vec![0; bytes.len()];
            rand::fill(&mut random[..]);
            random
        });
        // A recording that answers fewer is another call's, and the replay ends at the next one.
        for (byte, random) in bytes.iter_mut().zip(random) {
            *byte = random;
        }
        Ok(())
    }
}
