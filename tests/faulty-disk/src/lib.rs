//! A disk that fails: preloaded into a process (`LD_PRELOAD`), this library stands between the process and the C
//! library's calls that change files below one directory. It counts them, and at the n-th it does what its plan says.
//!
//! | variable | says |
//! |---|---|
//! | `FAULTY_DISK_DIRECTORY` | the directory, absolute; calls elsewhere pass by |
//! | `FAULTY_DISK_PLAN` | see [`plan::Plan`] |
//! | `FAULTY_DISK_SHADOW` | a directory of the same file system, outside the other, for what a power cut may bring back |
//! | `FAULTY_DISK_TRACE` | a file that gets one line for each call: its number, what it does, how many bytes, where |
//!
//! The variables and `LD_PRELOAD` are removed at once, so the processes that the process starts have a sound disk.
//!
//! What is interposed is what the standard library calls on Linux: it goes through the C library for all of these.
//! Calls that a program makes to the kernel by itself would pass by; the trace shows whether a write is missing.
//!
//! # Safety
//! `unsafe` is this library's reason to be: it defines functions of the C library, under their signatures, and hands
//! their arguments to the kernel, which checks them as it checks those of the C library.

#![cfg(target_os = "linux")]

mod calls;
mod disk;
mod kernel;
mod plan;
mod unsynced;
