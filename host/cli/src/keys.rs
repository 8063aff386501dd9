//! The data directory and the keys in it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use mortise_model::secret::SecretText;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};

/// The operator's API key.
pub(crate) const OPERATOR_KEY: &str = "operator.key";
/// What tenants' keys are derived from.
pub(crate) const MASTER_KEY: &str = "master.key";
/// The store's directory.
pub(crate) const STORE: &str = "store";
/// The directory of compiled images.
pub(crate) const IMAGES: &str = "images";

/// What the operator's key begins with, so that a leaked one is found by a search.
const OPERATOR_PREFIX: &str = "mok_";
/// Longest key file, in bytes.
const MAX_KEY: u64 = 1_024;
/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The data directory, ready to be used.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The operator's API key.
    pub(crate) operator_key: SecretText,
    /// 32 bytes as hexadecimal text.
    pub(crate) master_key: SecretText,
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The system refused.
    #[error("{} cannot be {verb}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// `read`, `created` or `written`.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Others on this machine can read it.
    #[error("{} has mode {mode:04o}, others can read it: run `chmod {wanted} {}`", path.display(), path.display())]
    TooOpen {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        wanted: &'static str,
    },
    /// The records were sealed with a key that is gone.
    #[error(
        "{} is missing, but there is a store: its secrets cannot be read without that key. Put the file back from a backup, or begin anew with another --data-dir",
        path.display()
    )]
    MasterKeyMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file does not hold a key.
    #[error("{} does not hold {expected}: put the file back from a backup", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The system has no random numbers.
    #[error("no key can be made, the system has no random numbers: {0}")]
    Random(String),
}

impl DataDirectory {
    /// Opens a data directory; makes it and its keys when they are not there, and says so on standard error.
    ///
    /// # Errors
    /// [`KeyError`] naming the file and what to do about it.
    pub(crate) fn open(path: &Path) -> Result<Self, KeyError> {
        if !path.exists() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(file("created", path))?;
        }
        check_mode(path, "700")?;
        let master_path = path.join(MASTER_KEY);
        let master_key = match read(&master_path)? {
            Some(key) => key,
            None if path.join(STORE).exists() => {
                return Err(KeyError::MasterKeyMissing { path: master_path });
            }
            None => {
                let key = random_hex()?;
                if create(&master_path, &key)? {
                    eprintln!(
                        "made {}: it seals every secret. Keep a copy in a safe place; without it they are lost",
                        master_path.display()
                    );
                }
                made(&master_path)?
            }
        };
        if hex::decode(&master_key).map(|bytes| bytes.len()) != Ok(KEY_BYTES) {
            return Err(KeyError::Malformed { path: master_path, expected: "64 hexadecimal digits" });
        }
        let operator_path = path.join(OPERATOR_KEY);
        let operator_key = if let Some(key) = read(&operator_path)? {
            key
        } else {
            let key = format!("{OPERATOR_PREFIX}{}", random_hex()?);
            if create(&operator_path, &key)? {
                eprintln!(
                    "made {}: the operator's API key, which may do everything. Send it as `X-Api-Key`; delete the file to have another made at the next start",
                    operator_path.display()
                );
            }
            made(&operator_path)?
        };
        if operator_key.len() < KEY_BYTES {
            return Err(KeyError::Malformed {
                path: operator_path,
                expected: "a key of 32 characters or more",
            });
        }
        Ok(Self {
            path: path.to_owned(),
            operator_key: SecretText::new(operator_key),
            master_key: SecretText::new(master_key),
        })
    }

    /// The key of the compiled images' MACs. It follows from the master key, and the other way is closed.
    pub(crate) fn image_key(&self) -> SecretText {
        image_key(&self.master_key)
    }
}

/// The key of the compiled images' MACs under a master key.
fn image_key(master: &SecretText) -> SecretText {
    let mut hash = Sha256::new();
    hash.update(b"mortise compiled images\0");
    hash.update(master.reveal());
    SecretText::new(hex::encode(hash.finalize()))
}

/// A key that is kept nowhere.
///
/// # Errors
/// [`KeyError::Random`].
pub(crate) fn passing_key() -> Result<SecretText, KeyError> {
    random_hex().map(SecretText::new)
}

fn random_hex() -> Result<String, KeyError> {
    let mut bytes = [0; KEY_BYTES];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| KeyError::Random(error.to_string()))?;
    Ok(hex::encode(bytes))
}

fn read(path: &Path) -> Result<Option<String>, KeyError> {
    let opened = match File::open(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file("read", path)(error)),
    };
    check_mode(path, "600")?;
    let mut text = String::new();
    opened.take(MAX_KEY).read_to_string(&mut text).map_err(file("read", path))?;
    Ok(Some(text.trim().to_owned()))
}

/// Writes a key so that it is there whole or not at all, and never over another: of two hosts that start at once,
/// both go on with the key of one. Answers whether it is this one.
fn create(path: &Path, key: &str) -> Result<bool, KeyError> {
    let passing = path.with_extension(random_hex()?);
    let mut written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&passing)
        .map_err(file("created", &passing))?;
    let linked = written
        .set_permissions(Permissions::from_mode(0o600))
        .and_then(|()| writeln!(written, "{key}"))
        .and_then(|()| written.sync_all())
        .and_then(|()| match fs::hard_link(&passing, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            linked => linked.map(|()| true),
        });
    // Also when it failed: a key that nobody uses must not lie about.
    let removed = fs::remove_file(&passing);
    let is_own = linked.map_err(file("written", path))?;
    removed.map_err(file("written", &passing))?;
    let folder = path.parent().unwrap_or(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(file("written", folder))?;
    Ok(is_own)
}

/// Reads a key that was just made, by this host or another.
fn made(path: &Path) -> Result<String, KeyError> {
    read(path)?.ok_or_else(|| file("read", path)(io::ErrorKind::NotFound.into()))
}

fn check_mode(path: &Path, wanted: &'static str) -> Result<(), KeyError> {
    let mode = fs::metadata(path).map_err(file("read", path))?.permissions().mode() & 0o7777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    Err(KeyError::TooOpen { path: path.to_owned(), mode, wanted })
}

fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::File { path, verb, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("data")
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_first_start_makes_a_directory_and_keys_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/data");
        let first = DataDirectory::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!((mode(&path.join(OPERATOR_KEY)), mode(&path.join(MASTER_KEY))), (0o600, 0o600));
        let second = DataDirectory::open(&path).unwrap();
        assert_eq!(first.operator_key, second.operator_key);
        assert_eq!(first.master_key, second.master_key);
        assert_ne!(first.image_key(), first.master_key);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_command_that_helps() {
        let folder = tempfile::tempdir().unwrap();
        DataDirectory::open(&data(&folder)).unwrap();
        for (name, command) in [(OPERATOR_KEY, "chmod 600"), (MASTER_KEY, "chmod 600"), ("", "chmod 700")] {
            let path = data(&folder).join(name);
            let before = fs::metadata(&path).unwrap().permissions();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
            let message = DataDirectory::open(&data(&folder)).unwrap_err().to_string();
            assert!(message.contains("0755") && message.contains(command), "{message}");
            fs::set_permissions(&path, before).unwrap();
        }
    }

    #[test]
    fn hosts_that_start_at_once_go_on_with_the_same_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = data(&folder);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        let opened: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> =
                (0..8).map(|_| scope.spawn(|| DataDirectory::open(&path).unwrap())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        for other in &opened {
            assert_eq!(other.master_key, opened[0].master_key);
            assert_eq!(other.operator_key, opened[0].operator_key);
        }
        let mut names: Vec<_> =
            fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [MASTER_KEY, OPERATOR_KEY], "nothing else is left");
        assert!(!create(&path.join(MASTER_KEY), "another").unwrap());
        assert_eq!(made(&path.join(MASTER_KEY)).unwrap(), opened[0].master_key.reveal());
    }

    #[test]
    fn a_store_without_its_master_key_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        DataDirectory::open(&data(&folder)).unwrap();
        fs::remove_file(data(&folder).join(MASTER_KEY)).unwrap();
        fs::create_dir(data(&folder).join(STORE)).unwrap();
        assert!(matches!(DataDirectory::open(&data(&folder)), Err(KeyError::MasterKeyMissing { .. })));
        assert!(!data(&folder).join(MASTER_KEY).exists());
    }

    #[test]
    fn a_master_key_of_another_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        DataDirectory::open(&data(&folder)).unwrap();
        fs::write(data(&folder).join(MASTER_KEY), "abcdef\n").unwrap();
        assert!(matches!(DataDirectory::open(&data(&folder)), Err(KeyError::Malformed { .. })));
    }

    #[test]
    fn a_deleted_operator_key_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDirectory::open(&data(&folder)).unwrap();
        fs::remove_file(data(&folder).join(OPERATOR_KEY)).unwrap();
        let second = DataDirectory::open(&data(&folder)).unwrap();
        assert_ne!(first.operator_key, second.operator_key);
        assert!(second.operator_key.reveal().starts_with(OPERATOR_PREFIX));
    }
}
