//! Documents, blobs, atomic batches, queries, a change feed and leased jobs behind one trait.
