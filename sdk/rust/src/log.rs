//! Lines in the run's log.
//!
//! The macros take a message, in which `{name}` stands for a variable, and any number of fields:
//!
//! ```
//! # use mortise_sdk::info;
//! # mortise_sdk::testing::Host::new().run(|| {
//! let page = 3;
//! info!("read page {page}", records = 100, total = 4_210);
//! # });
//! ```

use std::fmt::Display;

pub use crate::bindings::mortise::plugin::log::Level;
use crate::bindings::mortise::plugin::types::NameValue;
use crate::host;

/// Writes one line. The macros are shorter.
pub fn write(level: Level, message: &str, fields: &[(&str, &dyn Display)]) {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| NameValue { name: (*name).to_owned(), value: value.to_string() })
        .collect();
    host::log::write(level, message, &fields);
}

/// Writes a line at a level: `log!(Level::Info, "message", field = value)`.
#[macro_export]
macro_rules! log {
    ($level:expr, $message:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::log::write(
            $level,
            &::std::format!($message),
            &[$((::std::stringify!($name), &$value as &dyn ::std::fmt::Display)),*],
        )
    };
}

/// Writes every step; kept only while someone looks.
#[macro_export]
macro_rules! trace {
    ($($line:tt)*) => { $crate::log!($crate::log::Level::Trace, $($line)*) };
}

/// Writes details for the plugin's author.
#[macro_export]
macro_rules! debug {
    ($($line:tt)*) => { $crate::log!($crate::log::Level::Debug, $($line)*) };
}

/// Writes what happened, for the tenant's administrator.
#[macro_export]
macro_rules! info {
    ($($line:tt)*) => { $crate::log!($crate::log::Level::Info, $($line)*) };
}

/// Writes something odd that the plugin coped with.
#[macro_export]
macro_rules! warn {
    ($($line:tt)*) => { $crate::log!($crate::log::Level::Warn, $($line)*) };
}

/// Writes that something failed.
#[macro_export]
macro_rules! error {
    ($($line:tt)*) => { $crate::log!($crate::log::Level::Error, $($line)*) };
}
