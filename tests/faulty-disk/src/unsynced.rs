//! What a power cut may take: everything that was not synced.
//!
//! The model is the file system that promises least among the usual ones. Pages of a file that were written since its
//! last `fsync` or `fdatasync` are each there, torn at a sector, or as they were; so is the file's length.
//! `sync_file_range` promises nothing: it neither writes the length nor empties the disk's cache. Names that were
//! made, changed or removed in a directory since the last `fsync` of that directory are there up to some point and not
//! after it, as a journal has them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use crate::kernel;
use crate::plan::Dice;

/// What is lost or kept as one.
const PAGE: u64 = 4096;
/// Where a page may be torn.
const SECTOR: u64 = 512;

/// Everything that is not synced.
pub(crate) struct Unsynced {
    shadow: PathBuf,
    files: HashMap<(u64, u64), Dirty>,
    names: Vec<NameChange>,
    n_links: u64,
}

/// A file with unsynced writes.
struct Dirty {
    /// A descriptor of our own, to read and write with.
    fd: RawFd,
    length: u64,
    /// Pages as they were, by their offset. A page beyond the old end is empty.
    pages: BTreeMap<u64, Vec<u8>>,
}

/// A change of a directory, by how it is undone.
struct NameChange {
    directory: PathBuf,
    undo: Undo,
}

enum Undo {
    Remove(PathBuf),
    RemoveDirectory(PathBuf),
    MakeDirectory(PathBuf),
    /// Moves a name back, and what it replaced to where it was.
    MoveBack {
        from: PathBuf,
        to: PathBuf,
        replaced: Option<PathBuf>,
    },
    /// Brings a removed file back from its second name.
    BringBack {
        kept: PathBuf,
        path: PathBuf,
    },
}

impl Unsynced {
    pub(crate) fn new(shadow: PathBuf) -> Self {
        Self { shadow, files: HashMap::new(), names: Vec::new(), n_links: 0 }
    }

    /// Notes what is at a place before it is written.
    pub(crate) fn note_write(&mut self, fd: RawFd, offset: u64, length: u64) {
        let Some(dirty) = self.dirty(fd) else { return };
        let mut page = offset - offset % PAGE;
        while page < offset + length {
            let own = dirty.fd;
            dirty.pages.entry(page).or_insert_with(|| kernel::read_at(own, 4096, page));
            page += PAGE;
        }
    }

    /// Notes what a file has beyond a length to which it is cut.
    pub(crate) fn note_truncate(&mut self, fd: RawFd, length: u64) {
        let Some((present, _)) = kernel::file(fd) else { return };
        self.note_write(fd, length, present.saturating_sub(length).max(1));
    }

    fn dirty(&mut self, fd: RawFd) -> Option<&mut Dirty> {
        let (length, id) = kernel::file(fd)?;
        match self.files.entry(id) {
            Entry::Occupied(dirty) => Some(dirty.into_mut()),
            Entry::Vacant(place) => {
                let path = format!("/proc/self/fd/{fd}");
                let own = kernel::open(Path::new(&path), libc::O_RDWR | libc::O_CLOEXEC, 0);
                let own = RawFd::try_from(own).ok().filter(|own| *own >= 0)?;
                Some(place.insert(Dirty { fd: own, length, pages: BTreeMap::new() }))
            }
        }
    }

    /// Notes that a file, or a directory's names, are safe.
    pub(crate) fn note_sync(&mut self, fd: RawFd, path: &Path) {
        if let Some((_, id)) = kernel::file(fd)
            && let Some(dirty) = self.files.remove(&id)
        {
            kernel::close(dirty.fd);
        }
        self.names.retain(|change| change.directory != path);
    }

    /// Notes that a file was made.
    pub(crate) fn note_create(&mut self, path: &Path) {
        self.note_name(path, Undo::Remove(path.to_owned()));
    }

    /// Notes that a directory was made.
    pub(crate) fn note_make_directory(&mut self, path: &Path) {
        self.note_name(path, Undo::RemoveDirectory(path.to_owned()));
    }

    /// Notes that an empty directory was removed.
    pub(crate) fn note_remove_directory(&mut self, path: &Path) {
        self.note_name(path, Undo::MakeDirectory(path.to_owned()));
    }

    /// Keeps what a rename replaces or an unlink removes, before it does.
    pub(crate) fn keep(&mut self, path: &Path) -> Option<PathBuf> {
        self.n_links += 1;
        let kept = self.shadow.join(self.n_links.to_string());
        (kernel::link(path, &kept) == 0).then_some(kept)
    }

    /// Notes that a file was removed.
    pub(crate) fn note_remove(&mut self, path: &Path, kept: Option<PathBuf>) {
        if let Some(kept) = kept {
            self.note_name(path, Undo::BringBack { kept, path: path.to_owned() });
        }
    }

    /// Notes that a name was changed.
    pub(crate) fn note_rename(&mut self, from: &Path, to: &Path, replaced: Option<PathBuf>) {
        self.note_name(to, Undo::MoveBack { from: from.to_owned(), to: to.to_owned(), replaced });
    }

    fn note_name(&mut self, path: &Path, undo: Undo) {
        let directory = path.parent().unwrap_or(path).to_owned();
        self.names.push(NameChange { directory, undo });
    }

    /// Takes what the dice take.
    pub(crate) fn lose(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        let mut files: Vec<_> = self.files.drain().collect();
        files.sort_by_key(|(id, _)| *id);
        for (_, dirty) in files {
            lose_pages(&dirty, &mut dice);
        }
        let mut counts: BTreeMap<&Path, u64> = BTreeMap::new();
        for change in &self.names {
            *counts.entry(&change.directory).or_default() += 1;
        }
        // So many changes of each directory, from the last back, are undone.
        let mut undone: BTreeMap<&Path, u64> =
            counts.iter().map(|(directory, count)| (*directory, dice.below(count + 1))).collect();
        for change in self.names.iter().rev() {
            if let Some(left) = undone.get_mut(change.directory.as_path())
                && *left > 0
            {
                *left -= 1;
                change.undo.undo();
            }
        }
    }
}

fn lose_pages(dirty: &Dirty, dice: &mut Dice) {
    let present = kernel::file(dirty.fd).map_or(dirty.length, |(length, _)| length);
    // All, none, or each page by itself.
    let manner = dice.below(3);
    for (offset, before) in &dirty.pages {
        let mut before = before.clone();
        before.resize(4096, 0);
        let kept = match manner {
            0 => PAGE,
            1 => 0,
            _ => match dice.below(3) {
                0 => PAGE,
                1 => 0,
                _ => dice.below(PAGE / SECTOR) * SECTOR,
            },
        };
        let lost = before.get(usize::try_from(kept).unwrap_or(0)..).unwrap_or_default();
        if !lost.is_empty() {
            kernel::write_at(dirty.fd, lost, offset + kept);
        }
    }
    let (shorter, longer) = (present.min(dirty.length), present.max(dirty.length));
    let length = match dice.below(3) {
        0 => shorter,
        1 => longer,
        _ => (shorter + dice.below((longer - shorter) / PAGE + 1) * PAGE).min(longer),
    };
    kernel::truncate(dirty.fd, length);
}

impl Undo {
    fn undo(&self) {
        match self {
            Self::Remove(path) => {
                kernel::unlink(path, 0);
            }
            Self::RemoveDirectory(path) => remove_all(path),
            Self::MakeDirectory(path) => {
                kernel::make_directory(path, 0o700);
            }
            Self::MoveBack { from, to, replaced } => {
                kernel::rename(to, from);
                if let Some(replaced) = replaced {
                    kernel::rename(replaced, to);
                }
            }
            Self::BringBack { kept, path } => {
                kernel::rename(kept, path);
            }
        }
    }
}

fn remove_all(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_all(&entry.path());
        } else {
            kernel::unlink(&entry.path(), 0);
        }
    }
    kernel::unlink(directory, libc::AT_REMOVEDIR);
}
