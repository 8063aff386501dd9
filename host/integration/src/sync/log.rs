//! The log of a run: lines from the host and from the plugin, masked, bounded, and kept in chunks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mortise_model::clock::Clock;
use mortise_model::id::RunId;
use mortise_model::log::{LogLevel, LogLine, LogSource};
use mortise_runtime::LogWriter;
use mortise_store::{Collection, DocumentId, Entity, collections};
use serde::{Deserialize, Serialize};

use crate::sync::masks::Masks;

/// Most lines of one chunk.
const CHUNK_LINES: usize = 500;
/// About how many bytes of text one chunk has at most. Less than a document takes, whatever is in the text.
const CHUNK_BYTES: usize = 128 * 1024;
/// Most bytes of text that one run's log keeps.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// Most lines of the host itself, beside the plugin's.
const HOST_LINES: u32 = 500;

/// A part of a run's log, kept as `run/00000001`. The first chunk is number 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogChunk {
    /// The run.
    pub(crate) run: RunId,
    /// Counts the chunks of the run, from 1.
    pub(crate) number: u32,
    /// The place of its first line in the log. The log's first line is 0.
    pub(crate) first_line: u64,
    /// The lines.
    pub(crate) lines: Vec<LogLine>,
}

impl Entity for LogChunk {
    const COLLECTION: &'static Collection = &collections::RUN_LOGS;

    fn document_id(&self) -> DocumentId {
        format!("{}/{:08}", self.run, self.number).into()
    }
}

/// Takes the lines of one run. Lines wait in memory until the next batch of the run keeps them.
pub(crate) struct RunLog {
    run: RunId,
    clock: Arc<dyn Clock>,
    level: LogLevel,
    most_lines: u32,
    masks: Masks,
    buffer: Mutex<Buffer>,
}

#[derive(Default)]
struct Buffer {
    waiting: Vec<LogLine>,
    plugin_lines: u32,
    host_lines: u32,
    bytes: usize,
    dropped: u64,
    kept_lines: u64,
    kept_chunks: u32,
}

/// Chunks that a batch is to keep, and how many lines that takes from those that wait.
pub(crate) struct WaitingChunks {
    pub(crate) chunks: Vec<LogChunk>,
    lines: usize,
}

impl RunLog {
    /// A log that keeps the plugin's lines from `level` on, at most `most_lines`.
    pub(crate) fn new(
        run: RunId,
        clock: Arc<dyn Clock>,
        level: LogLevel,
        most_lines: u32,
        masks: Masks,
    ) -> Self {
        Self { run, clock, level, most_lines, masks, buffer: Mutex::default() }
    }

    /// The secrets that appear nowhere.
    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Writes a line of the host.
    pub(crate) fn host(&self, level: LogLevel, message: impl Into<String>) {
        let line = LogLine {
            at: self.clock.now(),
            level,
            source: LogSource::Host,
            message: self.masks.apply_owned(message.into()),
            fields: BTreeMap::new(),
        };
        let mut buffer = self.buffer();
        if buffer.host_lines < HOST_LINES {
            buffer.host_lines += 1;
            buffer.take(line);
        } else {
            buffer.dropped += 1;
        }
    }

    /// Writes a line of the host that is never dropped. There are a few in each run.
    pub(crate) fn host_always(&self, level: LogLevel, message: impl Into<String>) {
        let message = self.masks.apply_owned(message.into());
        let at = self.clock.now();
        let line = LogLine { at, level, source: LogSource::Host, message, fields: BTreeMap::new() };
        self.buffer().waiting.push(line);
    }

    /// Says how many lines were dropped, if any were.
    pub(crate) fn end(&self) {
        let dropped = std::mem::take(&mut self.buffer().dropped);
        if dropped > 0 {
            self.host_always(
                LogLevel::Warn,
                format!(
                    "{dropped} lines were dropped: a run keeps {} lines of the plugin (the tenant's limit \
                     `runLogLines`), {HOST_LINES} of the host and {} MiB",
                    self.most_lines,
                    MOST_BYTES >> 20
                ),
            );
        }
    }

    /// What waits, in chunks. It goes on waiting until [`RunLog::keep`].
    pub(crate) fn waiting(&self) -> WaitingChunks {
        let buffer = self.buffer();
        let mut chunks: Vec<LogChunk> = Vec::new();
        let mut bytes = 0;
        for (line, first_line) in buffer.waiting.iter().zip(buffer.kept_lines..) {
            bytes += size(line);
            match chunks.last_mut() {
                Some(chunk) if chunk.lines.len() < CHUNK_LINES && bytes <= CHUNK_BYTES => {
                    chunk.lines.push(line.clone());
                }
                last => {
                    bytes = size(line);
                    let number = last.map_or(buffer.kept_chunks, |chunk| chunk.number).saturating_add(1);
                    chunks.push(LogChunk {
                        run: self.run.clone(),
                        number,
                        first_line,
                        lines: vec![line.clone()],
                    });
                }
            }
        }
        WaitingChunks { chunks, lines: buffer.waiting.len() }
    }

    /// Notes that the chunks are safe on disk.
    pub(crate) fn keep(&self, kept: &WaitingChunks) {
        let mut buffer = self.buffer();
        let lines = kept.lines.min(buffer.waiting.len());
        buffer.waiting.drain(..lines);
        buffer.kept_lines += lines as u64;
        buffer.kept_chunks = kept.chunks.last().map_or(buffer.kept_chunks, |chunk| chunk.number);
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    fn take(&mut self, line: LogLine) {
        let bytes = self.bytes.saturating_add(size(&line));
        if bytes <= MOST_BYTES {
            self.bytes = bytes;
            self.waiting.push(line);
        } else {
            self.dropped += 1;
        }
    }
}

impl LogWriter for RunLog {
    fn write(&self, line: LogLine) {
        if line.level < self.level {
            return;
        }
        let mut buffer = self.buffer();
        if buffer.plugin_lines >= self.most_lines {
            buffer.dropped += 1;
            return;
        }
        buffer.plugin_lines += 1;
        drop(buffer);
        let fields =
            line.fields.into_iter().map(|(name, value)| (name, self.masks.apply_owned(value))).collect();
        let message = self.masks.apply_owned(line.message);
        self.buffer().take(LogLine { message, fields, ..line });
    }
}

fn size(line: &LogLine) -> usize {
    const AROUND: usize = 100;
    let fields: usize = line.fields.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    AROUND + line.message.len() + fields
}

#[cfg(test)]
mod tests {
    use mortise_model::clock::{ManualClock, Timestamp};
    use mortise_model::secret::SecretText;

    use super::*;

    fn log(most_lines: u32) -> RunLog {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let masks = Masks::new(vec![SecretText::new("hush-hush")]);
        RunLog::new(RunId::new(), clock, LogLevel::Info, most_lines, masks)
    }

    fn line(level: LogLevel, message: &str) -> LogLine {
        LogLine {
            at: Timestamp::from_millis(0),
            level,
            source: LogSource::Plugin,
            message: message.to_owned(),
            fields: BTreeMap::from([("sent".to_owned(), "hush-hush!".to_owned())]),
        }
    }

    fn messages(chunks: &WaitingChunks) -> Vec<String> {
        chunks.chunks.iter().flat_map(|chunk| &chunk.lines).map(|line| line.message.clone()).collect()
    }

    #[test]
    fn lines_below_the_level_are_left_out_and_secrets_are_masked() {
        let log = log(10);
        log.write(line(LogLevel::Debug, "too fine"));
        log.write(line(LogLevel::Info, "it is hush-hush"));
        let waiting = log.waiting();
        assert_eq!(messages(&waiting), ["it is ***"]);
        assert_eq!(waiting.chunks[0].lines[0].fields["sent"], "***!");
    }

    #[test]
    fn lines_beyond_the_limit_are_counted_once_at_the_end() {
        let log = log(3);
        for number in 0..10 {
            log.write(line(LogLevel::Info, &number.to_string()));
        }
        log.host(LogLevel::Info, "the host has lines of its own");
        log.end();
        log.end();
        let messages = messages(&log.waiting());
        assert_eq!(messages.len(), 5);
        assert!(messages[4].starts_with("7 lines were dropped: a run keeps 3 lines"), "{}", messages[4]);
    }

    #[test]
    fn chunks_follow_one_another_without_a_gap_and_wait_until_they_are_kept() {
        let log = log(2_000);
        for number in 0..1_100 {
            log.write(line(LogLevel::Info, &number.to_string()));
        }
        let first = log.waiting();
        assert_eq!(first.chunks.iter().map(|chunk| chunk.first_line).collect::<Vec<_>>(), [0, 500, 1_000]);
        assert_eq!(messages(&first), messages(&log.waiting()));
        log.write(line(LogLevel::Info, "later"));
        log.keep(&first);
        let second = log.waiting();
        assert_eq!(messages(&second), ["later"]);
        assert_eq!((second.chunks[0].number, second.chunks[0].first_line), (4, 1_100));
        assert_eq!(second.chunks[0].document_id(), DocumentId::from(format!("{}/00000004", log.run)));
    }

    #[test]
    fn long_lines_make_chunks_that_a_document_takes() {
        let log = log(2_000);
        for _ in 0..100 {
            log.write(line(LogLevel::Info, &"\u{1}".repeat(8_192)));
        }
        let waiting = log.waiting();
        assert_eq!(waiting.chunks.iter().map(|chunk| chunk.lines.len()).sum::<usize>(), 100);
        for chunk in &waiting.chunks {
            assert!(serde_json::to_string(chunk).unwrap().len() < 1_000_000);
        }
    }

    #[test]
    fn a_log_has_a_bound_in_bytes() {
        let log = log(u32::MAX);
        for _ in 0..2_000 {
            log.write(line(LogLevel::Info, &"x".repeat(8_192)));
        }
        log.end();
        let messages = messages(&log.waiting());
        assert!(messages.iter().map(String::len).sum::<usize>() <= MOST_BYTES + 1_000);
        assert!(messages.last().unwrap().contains("dropped"));
    }
}
