//! Real components in a real runtime: admission, capabilities, budgets, images.

#![expect(clippy::unwrap_used, reason = "what helpers of a test unwrap is part of the test")]

mod admission;
mod budgets;
mod capabilities;
mod compilation;
mod far_side;
mod grants;
mod host;
mod images;
mod pages;
mod recording;
mod standard;
mod stopping;
mod storage;
mod wasi;
