//! The kernel's calls, made directly: through the C library they would come back here.

use std::ffi::{CString, c_int, c_long};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use libc::{AT_FDCWD, mode_t};

/// A path as the kernel takes it. A path with a zero byte is none, and becomes the empty one, which it refuses.
fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap_or_default()
}

pub(crate) fn open(path: &Path, flags: c_int, mode: mode_t) -> c_long {
    let path = c_path(path);
    // SAFETY: the path ends with a zero byte and outlives the call.
    unsafe { libc::syscall(libc::SYS_openat, AT_FDCWD, path.as_ptr(), flags, mode) }
}

pub(crate) fn close(fd: RawFd) {
    // SAFETY: closes a descriptor that this library opened; no memory is involved.
    unsafe { libc::syscall(libc::SYS_close, fd) };
}

pub(crate) fn write(fd: RawFd, bytes: &[u8]) -> c_long {
    // SAFETY: the bytes are readable for their length.
    unsafe { libc::syscall(libc::SYS_write, fd, bytes.as_ptr(), bytes.len()) }
}

pub(crate) fn write_at(fd: RawFd, bytes: &[u8], offset: u64) -> c_long {
    // SAFETY: the bytes are readable for their length.
    unsafe { libc::syscall(libc::SYS_pwrite64, fd, bytes.as_ptr(), bytes.len(), offset) }
}

/// Reads up to `length` bytes at a place.
pub(crate) fn read_at(fd: RawFd, length: usize, offset: u64) -> Vec<u8> {
    let mut bytes = vec![0; length];
    // SAFETY: the buffer is writable for its length.
    let read = unsafe { libc::syscall(libc::SYS_pread64, fd, bytes.as_mut_ptr(), length, offset) };
    bytes.truncate(usize::try_from(read).unwrap_or(0));
    bytes
}

pub(crate) fn truncate(fd: RawFd, length: u64) -> c_long {
    // SAFETY: no memory is involved.
    unsafe { libc::syscall(libc::SYS_ftruncate, fd, length) }
}

pub(crate) fn sync(fd: RawFd) -> c_long {
    // SAFETY: no memory is involved.
    unsafe { libc::syscall(libc::SYS_fsync, fd) }
}

pub(crate) fn sync_data(fd: RawFd) -> c_long {
    // SAFETY: no memory is involved.
    unsafe { libc::syscall(libc::SYS_fdatasync, fd) }
}

pub(crate) fn sync_range(fd: RawFd, offset: i64, length: i64, flags: u32) -> c_long {
    // SAFETY: no memory is involved.
    unsafe { libc::syscall(libc::SYS_sync_file_range, fd, offset, length, flags) }
}

pub(crate) fn rename(from: &Path, to: &Path) -> c_long {
    let (from, to) = (c_path(from), c_path(to));
    // SAFETY: both paths end with a zero byte and outlive the call.
    unsafe { libc::syscall(libc::SYS_renameat2, AT_FDCWD, from.as_ptr(), AT_FDCWD, to.as_ptr(), 0) }
}

pub(crate) fn link(from: &Path, to: &Path) -> c_long {
    let (from, to) = (c_path(from), c_path(to));
    // SAFETY: both paths end with a zero byte and outlive the call.
    unsafe { libc::syscall(libc::SYS_linkat, AT_FDCWD, from.as_ptr(), AT_FDCWD, to.as_ptr(), 0) }
}

pub(crate) fn unlink(path: &Path, flags: c_int) -> c_long {
    let path = c_path(path);
    // SAFETY: the path ends with a zero byte and outlives the call.
    unsafe { libc::syscall(libc::SYS_unlinkat, AT_FDCWD, path.as_ptr(), flags) }
}

pub(crate) fn make_directory(path: &Path, mode: mode_t) -> c_long {
    let path = c_path(path);
    // SAFETY: the path ends with a zero byte and outlives the call.
    unsafe { libc::syscall(libc::SYS_mkdirat, AT_FDCWD, path.as_ptr(), mode) }
}

/// The length of a file and which file it is, or None when the descriptor has none.
pub(crate) fn file(fd: RawFd) -> Option<(u64, (u64, u64))> {
    // SAFETY: `stat` is plain data, for which zero bytes are a value; the call writes to it alone.
    let (answer, stat) = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &raw mut stat), stat)
    };
    (answer == 0).then(|| (u64::try_from(stat.st_size).unwrap_or(0), (stat.st_dev, stat.st_ino)))
}

/// Where the next write without a place goes.
pub(crate) fn position(fd: RawFd, length: u64) -> u64 {
    // SAFETY: no memory is involved.
    let (flags, position) = unsafe { (libc::fcntl(fd, libc::F_GETFL), libc::lseek(fd, 0, libc::SEEK_CUR)) };
    if flags & libc::O_APPEND == 0 { u64::try_from(position).unwrap_or(0) } else { length }
}

/// The path behind a descriptor, as the kernel knows it.
pub(crate) fn path_of(fd: RawFd) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()
}

pub(crate) fn set_errno(errno: c_int) {
    // SAFETY: the location is this thread's own.
    unsafe { *libc::__errno_location() = errno };
}

/// Ends the process as `kill -9` does.
pub(crate) fn die() -> ! {
    // SAFETY: no memory is involved, and nothing runs after it.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
        libc::_exit(137)
    }
}
