//! The HTTP interface: platform API, management API, OAuth, health, metrics and the `OpenAPI` document.
//!
//! Every request passes the same layers, the outermost first: an id, a span and a count ([`observe`]); the bounds of
//! one request and of all ([`bounds`]); a net for panics. Every error leaves as a problem document ([`problem`]).
//! A handler says by its arguments what its caller must be allowed ([`access`]).

#![forbid(unsafe_code)]

mod access;
mod app;
mod body;
mod bounds;
mod config;
mod etag;
mod health;
mod hooks;
mod manage;
mod members;
mod metrics;
mod multipart;
mod observe;
mod openapi;
mod parameters;
mod platform;
mod problem;
mod request_id;
mod router;
mod schema;
mod serve;
mod shares;

pub use self::config::ApiConfig;
pub use self::serve::{Api, ApiError};
