//! Blobs by digest.

use std::sync::Arc;

use bytes::Bytes;
use mortise_model::id::Digest;
use mortise_store::Store;

pub(crate) async fn a_blob_reads_back_by_its_digest(store: Arc<dyn Store>) {
    for bytes in [Bytes::new(), Bytes::from_static(b"component"), Bytes::from(vec![7; 3_000_000])] {
        let digest = store.put_blob(bytes.clone()).await.unwrap();
        assert_eq!(digest, Digest::of(&bytes));
        assert_eq!(store.get_blob(&digest).await.unwrap(), Some(bytes));
    }
    assert_eq!(store.get_blob(&Digest::of(b"unknown")).await.unwrap(), None);
}

pub(crate) async fn the_same_bytes_are_kept_once(store: Arc<dyn Store>) {
    let puts: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.put_blob(Bytes::from_static(b"same")).await.unwrap() })
        })
        .collect();
    for put in puts {
        assert_eq!(put.await.unwrap(), Digest::of(b"same"));
    }
    store.delete_blob(&Digest::of(b"same")).await.unwrap();
    assert_eq!(store.get_blob(&Digest::of(b"same")).await.unwrap(), None);
}

pub(crate) async fn a_blob_that_is_removed_is_gone(store: Arc<dyn Store>) {
    let digest = store.put_blob(Bytes::from_static(b"x")).await.unwrap();
    for _ in 0..2 {
        store.delete_blob(&digest).await.unwrap();
        assert_eq!(store.get_blob(&digest).await.unwrap(), None);
    }
}
