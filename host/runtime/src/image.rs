//! Compiled images on disk, each with a MAC that says that this host made it.
//!
//! An image is machine code: whoever could put one here would run code in the host. So the directory belongs to the
//! host's user alone, an image is never rewritten, its MAC is checked once per process, and only then is it mapped.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use mortise_model::id::Digest;
use mortise_model::secret::SecretText;
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::RuntimeError;
use crate::compiler::engine_hash;

/// What the name of a file begins with that is not kept yet.
const NEW: &str = "new-";
/// After so long such a file is one that a host which was killed left behind. No compilation takes as long.
const ABANDONED: Duration = Duration::from_hours(24);

/// Compiled images on disk.
pub(crate) struct Images {
    directory: PathBuf,
    key: SecretText,
    engine_hash: [u8; 32],
    /// Images whose MAC was found right.
    verified: Mutex<HashSet<Digest>>,
}

impl Images {
    /// The images of one engine in a directory, which is made when it is not there.
    pub(crate) fn new(directory: PathBuf, key: SecretText, engine: &Engine) -> Result<Self, RuntimeError> {
        let refused = |reason: String| RuntimeError::Images { path: directory.display().to_string(), reason };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(|error| refused(error.to_string()))?;
        let metadata = fs::symlink_metadata(&directory).map_err(|error| refused(error.to_string()))?;
        if !metadata.is_dir() {
            return Err(refused("it is not a directory".to_owned()));
        }
        check_owner(&metadata, 0o077).map_err(refused)?;
        remove_abandoned(&directory).map_err(|error| refused(error.to_string()))?;
        Ok(Self { directory, key, engine_hash: engine_hash(engine), verified: Mutex::default() })
    }

    /// Loads the image of a component. None when there is none that can be trusted.
    ///
    /// Reads the disk: not for a thread that serves others.
    pub(crate) fn load(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let path = self.path(digest, "cwasm");
        match self.try_load(engine, digest, &path) {
            Ok(component) => component,
            Err(error) => {
                tracing::warn!(%digest, %error, "a compiled image is not used: the component is compiled again");
                None
            }
        }
    }

    fn try_load(&self, engine: &Engine, digest: &Digest, path: &Path) -> Result<Option<Component>, String> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let metadata = file.metadata().map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            return Err("it is not a file".to_owned());
        }
        check_owner(&metadata, 0o022)?;
        if !self.verified().contains(digest) {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            let mac = fs::read(self.path(digest, "mac")).map_err(|error| format!("its MAC: {error}"))?;
            self.mac(digest, &bytes)?
                .verify_slice(&mac)
                .map_err(|_| "its MAC is not right: it was made with another key, or changed".to_owned())?;
            self.verified().insert(*digest);
        }
        map(engine, path).map(Some).map_err(|error| format!("{error:#}"))
    }

    /// An empty file for an image that is to be made.
    pub(crate) fn draft(self: &Arc<Self>, digest: &Digest) -> Result<Draft, RuntimeError> {
        let path = self.new_path();
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(_) => Ok(Draft { images: Arc::clone(self), digest: *digest, path }),
            Err(error) => Err(self.refused(error.to_string())),
        }
    }

    /// Writes a file whole or not at all. Who has the old one mapped keeps it.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.new_path();
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let moved = written.and_then(|()| fs::rename(&temporary, path));
        if moved.is_err() {
            // What is left over is of no use to anybody.
            let _ = fs::remove_file(&temporary);
        }
        moved
    }

    fn mac(&self, digest: &Digest, bytes: &[u8]) -> Result<Hmac<Sha256>, String> {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.key.reveal().as_bytes())
            .map_err(|error| error.to_string())?;
        Ok(mac.chain_update(self.engine_hash).chain_update(digest.as_bytes()).chain_update(bytes))
    }

    fn new_path(&self) -> PathBuf {
        self.directory.join(format!("{NEW}{:032x}", rand::random::<u128>()))
    }

    fn refused(&self, reason: String) -> RuntimeError {
        RuntimeError::Images { path: self.directory.display().to_string(), reason }
    }

    fn path(&self, digest: &Digest, kind: &str) -> PathBuf {
        let engine = hex::encode(self.engine_hash.get(..8).unwrap_or_default());
        self.directory.join(format!("{}-{engine}.{kind}", digest.to_hex()))
    }

    fn verified(&self) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An image that is not kept yet. It goes when this is dropped.
pub(crate) struct Draft {
    images: Arc<Images>,
    digest: Digest,
    path: PathBuf,
}

impl Draft {
    /// Where it is written.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The component, once the image is written whole.
    ///
    /// Reads the disk: not for a thread that serves others.
    pub(crate) fn component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        map(engine, &self.path)
    }

    /// Keeps the image, in place of one that was not trusted.
    ///
    /// Reads and writes the disk: not for a thread that serves others.
    pub(crate) fn keep(self) -> Result<(), RuntimeError> {
        self.try_keep().map_err(|reason| self.images.refused(reason))
    }

    fn try_keep(&self) -> Result<(), String> {
        let Self { images, digest, path } = self;
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let mac = images.mac(digest, &bytes)?.finalize().into_bytes();
        file.sync_all()
            .and_then(|()| fs::rename(path, images.path(digest, "cwasm")))
            .and_then(|()| images.write(&images.path(digest, "mac"), &mac))
            .map_err(|error| error.to_string())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // One that was kept has another name by now.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes what a host that was killed left behind.
fn remove_abandoned(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let age =
            entry.metadata().and_then(|metadata| metadata.modified()).map(|modified| modified.elapsed());
        let is_old = matches!(age, Ok(Ok(age)) if age > ABANDONED);
        if is_old && entry.file_name().to_string_lossy().starts_with(NEW) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Maps an image that this host made: one whose MAC was verified, or one that its compiler has just written.
#[expect(
    unsafe_code,
    reason = "mapping machine code trusts it; the MAC is why it can be trusted, or who wrote it"
)]
fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file holds what the compiler of this build gave: its MAC was right in this process, or this process
    // has just written down what its compiler said. Nobody else can change or replace it: the directory belongs to
    // this user alone (mode 0700), and the host itself only ever renames a new file over an old one, which leaves
    // mapped pages as they are.
    unsafe { Component::deserialize_file(engine, path) }
}

fn check_owner(metadata: &fs::Metadata, forbidden: u32) -> Result<(), String> {
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user {
        return Err(format!(
            "it belongs to the user {}, not to {user} that the host runs as",
            metadata.uid()
        ));
    }
    if metadata.mode() & forbidden != 0 {
        return Err(format!("others may use it (mode {:03o}): take that away", metadata.mode() & 0o777));
    }
    Ok(())
}
