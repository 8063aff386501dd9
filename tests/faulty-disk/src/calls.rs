//! The functions of the C library that are interposed. Where there is no plan, or the file is elsewhere, each is the
//! kernel's call and nothing else.
//!
//! `open` takes its mode as a variable argument. On the 64-bit ABIs of Linux an argument of that kind is passed as a
//! third one, so that a function of three receives it.

#![expect(clippy::cast_possible_truncation, reason = "an answer of the kernel is as wide as a pointer")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_long, c_void};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use libc::{mode_t, off64_t, size_t, ssize_t};

use crate::disk::{Call, Disk, disk};
use crate::kernel;

/// The disk and the path behind a descriptor, when the file is below the directory.
fn file(fd: RawFd) -> Option<(&'static Disk, PathBuf)> {
    let disk = disk()?;
    let path = kernel::path_of(fd)?;
    disk.has(&path).then_some((disk, path))
}

/// A path argument.
///
/// # Safety
/// `path` ends with a zero byte and outlives the answer.
unsafe fn path_argument<'a>(path: *const c_char) -> &'a Path {
    if path.is_null() {
        return Path::new("");
    }
    // SAFETY: as the caller promises.
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()))
}

/// The answer of a call that answers with an `int`.
fn int(answer: c_long) -> c_int {
    c_int::try_from(answer).unwrap_or(-1)
}

fn open(path: &Path, flags: c_int, mode: mode_t) -> c_int {
    // Only what makes a file or empties one changes anything.
    let is_change = flags & libc::O_CREAT != 0 && !path.exists();
    int(match disk() {
        Some(disk) if is_change && disk.has(path) => disk.make(&Call::Create { path, flags, mode }, path),
        _ => kernel::open(path, flags, mode),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller passes a path as the C library takes it.
    open(unsafe { path_argument(path) }, flags | libc::O_LARGEFILE, mode)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, length: size_t) -> ssize_t {
    let Some((disk, path)) = file(fd) else {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { libc::syscall(libc::SYS_write, fd, bytes, length) } as ssize_t;
    };
    // SAFETY: the caller passes bytes that are readable for their length.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast(), length) };
    disk.make(&Call::Write { fd, bytes, offset: None }, &path) as ssize_t
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, parts: *const libc::iovec, count: c_int) -> ssize_t {
    let Some((disk, path)) = file(fd) else {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { libc::syscall(libc::SYS_writev, fd, parts, count) } as ssize_t;
    };
    let mut bytes = Vec::new();
    for place in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the caller passes `count` parts, each readable for its length.
        let part = unsafe {
            let part = &*parts.add(place);
            std::slice::from_raw_parts(part.iov_base.cast::<u8>(), part.iov_len)
        };
        bytes.extend_from_slice(part);
    }
    disk.make(&Call::Write { fd, bytes: &bytes, offset: None }, &path) as ssize_t
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, length: size_t, offset: off64_t) -> ssize_t {
    let Some((disk, path)) = file(fd) else {
        // SAFETY: the caller's arguments, as they are.
        return unsafe { libc::syscall(libc::SYS_pwrite64, fd, bytes, length, offset) } as ssize_t;
    };
    // SAFETY: the caller passes bytes that are readable for their length.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast(), length) };
    disk.make(&Call::Write { fd, bytes, offset: u64::try_from(offset).ok() }, &path) as ssize_t
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate64(fd: c_int, length: off64_t) -> c_int {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    int(match file(fd) {
        Some((disk, path)) => disk.make(&Call::Truncate { fd, length }, &path),
        None => kernel::truncate(fd, length),
    })
}

#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    int(match file(fd) {
        Some((disk, path)) => disk.make(&Call::Sync(fd), &path),
        None => kernel::sync(fd),
    })
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    int(match file(fd) {
        Some((disk, path)) => disk.make(&Call::SyncData(fd), &path),
        None => kernel::sync_data(fd),
    })
}

#[unsafe(no_mangle)]
extern "C" fn sync_file_range(fd: c_int, offset: off64_t, length: off64_t, flags: u32) -> c_int {
    int(match file(fd) {
        Some((disk, path)) => disk.make(&Call::SyncRange { fd, offset, length, flags }, &path),
        None => kernel::sync_range(fd, offset, length, flags),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the caller passes paths as the C library takes them.
    let (from, to) = unsafe { (path_argument(from), path_argument(to)) };
    int(match disk() {
        Some(disk) if disk.has(to) => disk.make(&Call::Rename { from, to }, to),
        _ => kernel::rename(from, to),
    })
}

fn remove(path: &Path, flags: c_int) -> c_int {
    int(match disk() {
        Some(disk) if disk.has(path) && path.exists() => disk.make(&Call::Remove { path, flags }, path),
        _ => kernel::unlink(path, flags),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: the caller passes a path as the C library takes it.
    remove(unsafe { path_argument(path) }, 0)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: the caller passes a path as the C library takes it.
    remove(unsafe { path_argument(path) }, libc::AT_REMOVEDIR)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlinkat(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller passes a path as the C library takes it.
    let path = unsafe { path_argument(path) };
    match kernel::path_of(directory) {
        Some(directory) if path.is_relative() => remove(&directory.join(path), flags),
        _ => remove(path, flags),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: the caller passes a path as the C library takes it.
    let path = unsafe { path_argument(path) };
    int(match disk() {
        Some(disk) if disk.has(path) && !path.exists() => {
            disk.make(&Call::MakeDirectory { path, mode }, path)
        }
        _ => kernel::make_directory(path, mode),
    })
}
