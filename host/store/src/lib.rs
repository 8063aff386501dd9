//! Documents, blobs, atomic batches, queries, a change feed and leased jobs behind one trait.
//!
//! A [`Store`] keeps JSON documents in named [`Collection`]s under a tenant. Everything that must happen together
//! goes into one [`Batch`]: documents with preconditions, new jobs, and the end of the job that is being worked on.
//! What a commit acknowledged survives a crash of the host.

#![forbid(unsafe_code)]

mod batch;
mod collection;
pub mod collections;
mod document;
mod embedded;
mod error;
mod feed;
mod job;
pub mod limits;
mod store;

pub use self::batch::{Batch, Expect, Origin, Write};
pub use self::collection::{Collection, Entity, FeedMembership};
pub use self::document::{Document, DocumentId, Version};
pub use self::embedded::{SledOptions, SledStore};
pub use self::error::{Conflict, StoreError};
pub use self::feed::{Change, ChangeKind, ChangeSet, Sequence};
pub use self::job::{Claim, JobFilter, JobStatus, JobView, Lease, LeasedJob, NewJob};
pub use self::store::{Found, Store, StoreExt};
