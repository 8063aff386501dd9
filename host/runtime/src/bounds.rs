//! How much of everything a plugin may hand over. What an operator or a tenant sets is not here.

/// Data that one call of a host function, or one answer, hands over, in bytes.
pub(crate) const HOST_CALL_BYTES: usize = 16 << 20;
/// Host calls of one call.
pub(crate) const HOST_CALLS: u32 = 1_000_000;
/// Handles that one call holds at the same time, those of WASI included.
pub(crate) const HANDLES: usize = 2_000;
/// Requests that one call has in flight at the same time.
pub(crate) const PENDING_REQUESTS: usize = 1_000;
/// Log lines that one call may hand to its log. The run's own limit is the log's matter.
pub(crate) const LOG_LINES: u32 = 20_000;
/// One log line, in bytes.
pub(crate) const LOG_LINE: usize = 8 << 10;
/// Answers that a call has not read yet, in bytes of their bodies together.
pub(crate) const UNREAD_ANSWERS: usize = 64 << 20;
/// Fields of a log line.
pub(crate) const LOG_FIELDS: usize = 32;
/// The name of a log line's field, in bytes.
pub(crate) const LOG_FIELD_NAME: usize = 256;
/// The value of a log line's field, in bytes.
pub(crate) const LOG_FIELD_VALUE: usize = 1_024;
/// Denials that one call has written to its log.
pub(crate) const LOGGED_DENIALS: u32 = 20;
/// A storage key, in bytes, as the contract says.
pub(crate) const STORAGE_KEY: usize = 512;
/// A storage value, in bytes.
pub(crate) const STORAGE_VALUE: usize = 256 << 10;
/// Keys of one listing.
pub(crate) const STORAGE_KEYS: u32 = 1_000;
/// One record as JSON text, in bytes.
pub(crate) const RECORD: usize = 1 << 20;
/// All records and failures of a page, in bytes.
pub(crate) const PAGE: usize = 12 << 20;
/// What is kept of a record that could not be mapped, in bytes.
pub(crate) const FAILURE_DATA: usize = 64 << 10;
/// A message for people, in bytes.
pub(crate) const MESSAGE: usize = 8 << 10;
/// What is kept of the far side's answer, in bytes.
pub(crate) const ANSWER: usize = 16 << 10;
/// A stable word, in bytes.
pub(crate) const CODE: usize = 128;
/// A JSON pointer, in bytes.
pub(crate) const POINTER: usize = 1_024;
/// Fields that one error names.
pub(crate) const FIELD_ERRORS: usize = 100;
/// Entities that a connector offers.
pub(crate) const ENTITIES: usize = 100;
/// Checks of one connection test.
pub(crate) const CHECKS: usize = 100;
/// The name of an entity or a check, in bytes.
pub(crate) const NAME: usize = 256;
/// Keys that one listing of `wasi:keyvalue` answers.
pub(crate) const KEYVALUE_KEYS: u32 = 1_000;
/// Listings of one bucket of `wasi:keyvalue@0.2.0-draft` that can be gone on with.
pub(crate) const KEYVALUE_CURSORS: usize = 1_000;
/// Keys, or pairs, of one batch of `wasi:keyvalue`.
pub(crate) const KEYVALUE_BATCH: usize = 1_000;
/// One list of headers of `wasi:http` in memory, in bytes.
pub(crate) const FIELDS: usize = 128 << 10;
/// Bodies of requests through `wasi:http` that have not been sent yet, in bytes together.
pub(crate) const UNSENT_REQUESTS: usize = 64 << 20;
/// What a recording tells a person of one call of the host, in bytes.
pub(crate) const RECORDED_ABOUT: usize = 256;
/// What is told of a trap, in bytes.
pub(crate) const TRAP: usize = 4 << 10;

const MARK: &str = "… (cut)";

/// The text, or as much of its beginning as fits, with a mark that something is missing.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub(MARK.len())));
        text.push_str(MARK);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_is_left_alone() {
        assert_eq!(cut("x".repeat(20), 20), "x".repeat(20));
    }

    #[test]
    fn a_text_is_cut_between_characters_and_marked() {
        let text = cut("ü".repeat(20), 20);
        assert!(text.len() <= 20, "{text}");
        assert_eq!(text, format!("{}{MARK}", "ü".repeat(5)));
    }
}
