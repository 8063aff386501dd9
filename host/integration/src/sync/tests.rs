//! Runs against a scripted far side, on a real store.

mod house;
mod pulling;
mod pushing;
mod stopping;
