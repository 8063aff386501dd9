//! The domain's objects as the OpenAPI document describes them.
//!
//! The model on floor 0 knows nothing of OpenAPI, so its objects are described here. A test compares every description
//! with what serde makes of the object.
#![expect(dead_code, reason = "descriptions are read by the derive alone")]

pub(crate) mod account;
pub(crate) mod instance;
pub(crate) mod invoice;
pub(crate) mod patch;
pub(crate) mod plugin;
pub(crate) mod problem;
pub(crate) mod run;
pub(crate) mod shared;
pub(crate) mod tenant;
