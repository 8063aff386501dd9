//! Blobs as files, addressed by digest.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use mortise_model::id::Digest;

use super::of_io;
use crate::StoreError;
use crate::limits::MAX_BLOB;

/// A directory of blobs: `ab/cd/abcd...`, and what is being written in `new`.
pub(super) struct Blobs {
    root: PathBuf,
    counter: AtomicU64,
}

impl Blobs {
    /// Opens the directory. What a crash left half-written is removed.
    pub(super) fn open(root: PathBuf) -> Result<Self, StoreError> {
        let new = root.join("new");
        match fs::remove_dir_all(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(of_io("remove", &new)(error));
            }
            _ => {}
        }
        fs::create_dir_all(&new).map_err(of_io("create", &new))?;
        sync(&root)?;
        Ok(Self { root, counter: AtomicU64::new(0) })
    }

    /// Keeps a blob.
    pub(super) fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        if bytes.len() > MAX_BLOB {
            let found = bytes.len();
            return Err(StoreError::Invalid(format!(
                "a blob has at most {MAX_BLOB} bytes, this one has {found}"
            )));
        }
        let digest = Digest::of(bytes);
        if matches!(self.get(&digest), Ok(Some(_))) {
            return Ok(digest);
        }
        let path = self.path(&digest);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(of_io("create", folder))?;
        let temporary = self.root.join("new").join(self.counter.fetch_add(1, Ordering::Relaxed).to_string());
        let mut file = File::create(&temporary).map_err(of_io("create", &temporary))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(of_io("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(of_io("rename", &temporary))?;
        for folder in folder.ancestors().take_while(|folder| folder.starts_with(&self.root)) {
            sync(folder)?;
        }
        Ok(digest)
    }

    /// Reads a blob and compares it with its digest.
    pub(super) fn get(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(of_io("read", &path)(error)),
        };
        if Digest::of(&bytes) == *digest {
            Ok(Some(bytes.into()))
        } else {
            Err(StoreError::Corrupt(format!("the blob {digest} has other bytes than it was kept with")))
        }
    }

    /// Removes a blob.
    pub(super) fn delete(&self, digest: &Digest) -> Result<(), StoreError> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Ok(()) => sync(path.parent().unwrap_or(&self.root)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(of_io("remove", &path)(error)),
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_hex();
        let folders = [hex.get(0..2), hex.get(2..4)];
        let mut path = self.root.clone();
        path.extend(folders.into_iter().flatten());
        path.push(&hex);
        path
    }
}

/// Makes sure that a file, or the names in a directory, survive a crash of the machine.
pub(super) fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(of_io("sync", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_were_changed_on_disk_are_told_and_healed_by_keeping_them_again() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(directory.path().join("blobs")).unwrap();
        let digest = blobs.put(b"component").unwrap();
        fs::write(blobs.path(&digest), b"Component").unwrap();
        assert!(matches!(blobs.get(&digest), Err(StoreError::Corrupt(_))));
        assert_eq!(blobs.put(b"component").unwrap(), digest);
        assert_eq!(blobs.get(&digest).unwrap().unwrap(), "component");
    }

    #[test]
    fn what_was_half_written_is_gone_at_the_next_start() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("blobs");
        Blobs::open(root.clone()).unwrap();
        fs::write(root.join("new").join("0"), b"half").unwrap();
        let blobs = Blobs::open(root.clone()).unwrap();
        assert_eq!(fs::read_dir(root.join("new")).unwrap().count(), 0);
        blobs.put(b"whole").unwrap();
    }
}
