//! The format of a recording: `MREC`, the format's number, and frames.
//!
//! A frame is its length in four bytes, little end first, and a [`Frame`] in Postcard's wire format. What it holds
//! of the contract's types cannot change within a version of the contract.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::RecordingError;

const MAGIC: &[u8; 4] = b"MREC";
/// The format that is written and read. Count it up when a frame or the contract's types change.
const FORMAT: u16 = 1;
const HEADER: usize = 6;

/// The beginning of a SHA-256: tells whether two values are the same, without holding either.
pub(crate) type Mark = [u8; 8];

/// One thing that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Frame<'a> {
    /// A function of the plugin was called.
    Begin { release: Cow<'a, str>, function: Cow<'a, str> },
    /// The plugin called the host, and got an answer.
    Call { function: Cow<'a, str>, about: Cow<'a, str>, marks: Cow<'a, [Mark]>, answer: Cow<'a, [u8]> },
    /// The answer to something that an earlier call began.
    Arrival { exchange: u32, request: Mark, answer: Cow<'a, [u8]> },
    /// The recording reached its limit. What follows is missing.
    Cut { most: u64 },
    /// The plugin returned.
    End,
}

pub(super) fn header() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes
}

pub(super) fn framed(frame: &Frame<'_>) -> Vec<u8> {
    let body = encode(frame);
    // No frame is near 4 GiB: what one call of a host function hands over is bounded far below.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut framed = length.to_le_bytes().to_vec();
    framed.extend_from_slice(&body);
    framed
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Frame<'static>>, RecordingError> {
    let (header, mut rest) = bytes.split_at_checked(HEADER).ok_or(RecordingError::Malformed { at: 0 })?;
    let Some(format) = header.strip_prefix(MAGIC) else { return Err(RecordingError::Malformed { at: 0 }) };
    let found = format.try_into().map_or(0, u16::from_le_bytes);
    if found != FORMAT {
        return Err(RecordingError::Format { found, reads: FORMAT });
    }
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let malformed = RecordingError::Malformed { at: bytes.len() - rest.len() };
        let Some((length, after)) = rest.split_first_chunk::<4>() else { return Err(malformed) };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((body, after)) = after.split_at_checked(length) else { return Err(malformed) };
        match postcard::from_bytes(body) {
            Ok(frame) => frames.push(frame),
            Err(_) => return Err(malformed),
        }
        rest = after;
    }
    Ok(frames)
}

/// A value in Postcard's wire format.
pub(super) fn encode(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_else(|error| {
        // Only what cannot tell its length up front fails, and nothing of the contract is like that.
        tracing::error!(%error, "a value cannot be recorded");
        Vec::new()
    })
}

/// The mark of a value.
pub(crate) fn mark(value: &(impl Serialize + ?Sized)) -> Mark {
    let digest = Sha256::digest(encode(value));
    let mut mark = Mark::default();
    mark.copy_from_slice(&digest[..8]);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_read_back_and_damage_is_told_with_its_place() {
        let mut bytes = header();
        let frame = Frame::Begin { release: "r".into(), function: "pull".into() };
        bytes.extend(framed(&frame));
        bytes.extend(framed(&Frame::End));
        assert!(matches!(read(&bytes).unwrap()[..], [Frame::Begin { .. }, Frame::End]));
        let cut_off = &bytes[..bytes.len() - 1];
        assert_eq!(read(cut_off).unwrap_err(), RecordingError::Malformed { at: bytes.len() - 5 });
        for damaged in [&b""[..], b"MRE", b"\0asm\x01\0"] {
            assert_eq!(read(damaged).unwrap_err(), RecordingError::Malformed { at: 0 });
        }
    }

    #[test]
    fn another_format_is_told_with_both_numbers() {
        let error = read(b"MREC\x07\0").unwrap_err();
        assert_eq!(error.to_string(), "the recording has format 7; this host reads format 1");
    }
}
