//! The disk: counts the calls and does at the planned one what is planned.

use std::ffi::{c_int, c_long};
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use libc::mode_t;

use crate::kernel;
use crate::plan::{Dice, Plan};
use crate::unsynced::Unsynced;

/// A call that changes files below the directory.
pub(crate) enum Call<'a> {
    Write { fd: RawFd, bytes: &'a [u8], offset: Option<u64> },
    Truncate { fd: RawFd, length: u64 },
    Sync(RawFd),
    SyncData(RawFd),
    SyncRange { fd: RawFd, offset: i64, length: i64, flags: u32 },
    Create { path: &'a Path, flags: c_int, mode: mode_t },
    MakeDirectory { path: &'a Path, mode: mode_t },
    Rename { from: &'a Path, to: &'a Path },
    Remove { path: &'a Path, flags: c_int },
}

/// What stands between the process and its files.
pub(crate) struct Disk {
    directory: PathBuf,
    plan: Plan,
    state: Mutex<State>,
}

struct State {
    n_calls: u64,
    trace: Option<RawFd>,
    unsynced: Unsynced,
}

static DISK: OnceLock<Disk> = OnceLock::new();

/// The disk of this process, if it has a plan.
pub(crate) fn disk() -> Option<&'static Disk> {
    DISK.get()
}

/// Reads the variables when the library is loaded, before the process has threads.
extern "C" fn set_up() {
    let [directory, plan, shadow, trace] = ["DIRECTORY", "PLAN", "SHADOW", "TRACE"].map(|name| {
        let name = format!("FAULTY_DISK_{name}");
        let value = std::env::var_os(&name);
        // SAFETY: the library is loaded before the process has a second thread.
        unsafe { std::env::remove_var(name) };
        value
    });
    // SAFETY: as above.
    unsafe { std::env::remove_var("LD_PRELOAD") };
    let (Some(directory), Some(plan)) = (directory, plan) else { return };
    let Some(plan) = plan.to_str().and_then(Plan::parse) else {
        kernel::write(2, b"FAULTY_DISK_PLAN is not a plan\n");
        kernel::die();
    };
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
    let trace = trace.and_then(|path| RawFd::try_from(kernel::open(Path::new(&path), flags, 0o600)).ok());
    let unsynced = Unsynced::new(shadow.unwrap_or_default().into());
    let state = Mutex::new(State { n_calls: 0, trace, unsynced });
    let _ = DISK.set(Disk { directory: directory.into(), plan, state });
}

#[used]
#[unsafe(link_section = ".init_array")]
static SET_UP: extern "C" fn() = set_up;

impl Disk {
    /// Whether a path is below the directory.
    pub(crate) fn has(&self, path: &Path) -> bool {
        path.starts_with(&self.directory)
    }

    /// Makes a call, or does what is planned instead. Answers as the kernel's calls of the C library do.
    pub(crate) fn make(&self, call: &Call<'_>, path: &Path) -> c_long {
        let mut state = self.state();
        state.n_calls += 1;
        let n_call = state.n_calls;
        state.trace(call, path);
        match self.plan {
            Plan::Fail { at, errno, lasting } if n_call == at || (lasting && n_call > at) => {
                kernel::set_errno(errno);
                -1
            }
            Plan::KillBefore { at } if n_call == at => kernel::die(),
            Plan::KillAfter { at } if n_call == at => {
                state.make(call, path, self.plan);
                kernel::die()
            }
            Plan::Tear { at, seed } if n_call == at => {
                if let Call::Write { fd, bytes, offset } = call {
                    let kept = Dice::new(seed).below(bytes.len() as u64);
                    let bytes = bytes.get(..usize::try_from(kept).unwrap_or(0)).unwrap_or_default();
                    state.make(&Call::Write { fd: *fd, bytes, offset: *offset }, path, self.plan);
                }
                kernel::die()
            }
            Plan::Delay { at, by } if n_call == at => {
                drop(state);
                std::thread::sleep(by);
                self.state().make(call, path, self.plan)
            }
            Plan::Cut { at, seed } if n_call == at => {
                state.make(call, path, self.plan);
                state.unsynced.lose(seed);
                kernel::die()
            }
            plan => state.make(call, path, plan),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn trace(&self, call: &Call<'_>, path: &Path) {
        let Some(trace) = self.trace else { return };
        let (what, bytes) = match call {
            Call::Write { bytes, .. } => ("write", bytes.len()),
            Call::Truncate { .. } => ("truncate", 0),
            Call::Sync(_) => ("sync", 0),
            Call::SyncData(_) => ("sync-data", 0),
            Call::SyncRange { .. } => ("sync-range", 0),
            Call::Create { .. } => ("create", 0),
            Call::MakeDirectory { .. } => ("make-directory", 0),
            Call::Rename { .. } => ("rename", 0),
            Call::Remove { .. } => ("remove", 0),
        };
        kernel::write(trace, format!("{} {what} {bytes} {}\n", self.n_calls, path.display()).as_bytes());
    }

    fn make(&mut self, call: &Call<'_>, path: &Path, plan: Plan) -> c_long {
        if plan.loses() { self.make_noted(call, path) } else { make(call) }
    }

    /// Makes a call and notes what a power cut may undo of it.
    fn make_noted(&mut self, call: &Call<'_>, path: &Path) -> c_long {
        let unsynced = &mut self.unsynced;
        let kept = match call {
            Call::Write { fd, bytes, offset } => {
                let length = kernel::file(*fd).map_or(0, |(length, _)| length);
                let offset = offset.unwrap_or_else(|| kernel::position(*fd, length));
                unsynced.note_write(*fd, offset, bytes.len() as u64);
                None
            }
            Call::Truncate { fd, length } => {
                unsynced.note_truncate(*fd, *length);
                None
            }
            Call::Rename { to, .. } => unsynced.keep(to),
            Call::Remove { path, flags: 0 } => unsynced.keep(path),
            _ => None,
        };
        let answer = make(call);
        if answer < 0 {
            return answer;
        }
        match call {
            Call::Sync(fd) | Call::SyncData(fd) => unsynced.note_sync(*fd, path),
            Call::Create { path, .. } => unsynced.note_create(path),
            Call::MakeDirectory { path, .. } => unsynced.note_make_directory(path),
            Call::Rename { from, to } => unsynced.note_rename(from, to, kept),
            Call::Remove { path, flags: 0 } => unsynced.note_remove(path, kept),
            Call::Remove { path, .. } => unsynced.note_remove_directory(path),
            Call::Write { .. } | Call::Truncate { .. } | Call::SyncRange { .. } => {}
        }
        answer
    }
}

fn make(call: &Call<'_>) -> c_long {
    match *call {
        Call::Write { fd, bytes, offset: Some(offset) } => kernel::write_at(fd, bytes, offset),
        Call::Write { fd, bytes, offset: None } => kernel::write(fd, bytes),
        Call::Truncate { fd, length } => kernel::truncate(fd, length),
        Call::Sync(fd) => kernel::sync(fd),
        Call::SyncData(fd) => kernel::sync_data(fd),
        Call::SyncRange { fd, offset, length, flags } => kernel::sync_range(fd, offset, length, flags),
        Call::Create { path, flags, mode } => kernel::open(path, flags, mode),
        Call::MakeDirectory { path, mode } => kernel::make_directory(path, mode),
        Call::Rename { from, to } => kernel::rename(from, to),
        Call::Remove { path, flags } => kernel::unlink(path, flags),
    }
}
