//! Connectors at work, over the embedded store and the runtime.

mod dead_letters;
mod expect;
mod house;
mod instances;
mod plugins;
mod runs;
mod schedules;
mod secrets;
