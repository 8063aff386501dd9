//! Runs and their logs.

use mortise_model::error::FieldError;
use mortise_model::id::{InstanceId, JobId, RunId, TenantId};
use mortise_model::log::LogLine;
use mortise_model::run::{Run, RunStatus};
use mortise_query::{Filter, PageRequest, Query, SortKey, ValueType};
use mortise_store::{Batch, Entity as _, Expect, Origin, StoreError, StoreExt as _, Version};

use crate::integration::Inner;
use crate::sync::log::LogChunk;
use crate::{IntegrationError, listing};

/// Most lines of a log that are read at a time.
const MAX_LINES: usize = 1_000;
/// Most chunks of a log that are read at a time.
const MAX_CHUNKS: u32 = 50;
/// Attempts at writing the document of a run that is in progress.
const MAX_ATTEMPTS: u32 = 20;

/// Runs of a tenant.
pub struct Runs<'a> {
    pub(crate) inner: &'a Inner,
}

/// Which runs to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those of an instance.
    pub instance: Option<InstanceId>,
    /// Only those of this status.
    pub status: Option<RunStatus>,
    /// Only the executions of a job.
    pub job: Option<JobId>,
}

/// A part of a run's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The lines, in order.
    pub lines: Vec<LogLine>,
    /// Where the lines after these start. Pass it to read on.
    pub next: u64,
    /// Whether the run is over and no line follows.
    pub complete: bool,
}

impl Runs<'_> {
    /// Runs that match, the latest first, from `offset`, at most `limit`.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] when `limit` is not 1 to 500 or `offset` is over 10,000.
    pub async fn list(
        &self,
        tenant: &TenantId,
        filter: &RunFilter,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<Run>, IntegrationError> {
        let order = vec![SortKey::descending("startedAt", ValueType::Timestamp)];
        listing::part(self.inner.store.as_ref(), tenant, filter.condition(), order, offset, limit).await
    }

    /// One run.
    pub async fn get(&self, tenant: &TenantId, id: &RunId) -> Result<Run, IntegrationError> {
        Ok(self.load(tenant, id).await?.0)
    }

    /// Lines of a run's log from line `from` (0 is the first), at most `limit`.
    ///
    /// # Errors
    /// [`IntegrationError::Invalid`] when `limit` is not 1 to 1,000.
    pub async fn log(
        &self,
        tenant: &TenantId,
        id: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<LogPage, IntegrationError> {
        if !(1..=MAX_LINES).contains(&limit) {
            let message = format!("1 to {MAX_LINES} lines are read at a time, not {limit}");
            return Err(IntegrationError::Invalid(vec![FieldError::new("/limit", "out-of-range", message)]));
        }
        // Read before the lines: a run that was over by then has no more of them than are read now.
        let (run, _) = self.load(tenant, id).await?;
        let of_run = Filter::eq("run", id.as_str());
        let before = Query {
            filter: Some(of_run.clone().and(Filter::le("firstLine", from))),
            order: vec![SortKey::descending("firstLine", ValueType::Number)],
            page: PageRequest::first(1),
            count: false,
        };
        let start = self.inner.store.select::<LogChunk>(tenant, &before).await?;
        let start = start.first().map_or(1, |chunk| u64::from(chunk.number));
        let page = PageRequest::first(u32::try_from(limit).unwrap_or(MAX_CHUNKS).min(MAX_CHUNKS));
        let onwards = Some(of_run.and(Filter::ge("number", start)));
        let query = Query { filter: onwards, page, ..Query::default() };
        let found = self.inner.store.query(tenant, LogChunk::COLLECTION, &query).await?;
        let mut lines = Vec::new();
        let mut more = found.more;
        for document in &found.documents {
            let chunk: LogChunk = document.decode()?;
            let skipped = usize::try_from(from.saturating_sub(chunk.first_line)).unwrap_or(usize::MAX);
            let wanted = chunk.lines.into_iter().skip(skipped);
            for line in wanted {
                if lines.len() == limit {
                    more = true;
                    break;
                }
                lines.push(line);
            }
        }
        let next = from.saturating_add(lines.len() as u64);
        Ok(LogPage { lines, next, complete: run.status.is_final() && !more })
    }

    /// Stops a run. What it committed is kept.
    ///
    /// The run is over at once. The worker that works on it, here or on another host, writes nothing more.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] when it is over.
    pub async fn cancel(&self, tenant: &TenantId, id: &RunId) -> Result<Run, IntegrationError> {
        let mut attempt = 1;
        loop {
            let (mut run, version) = self.load(tenant, id).await?;
            if run.status.is_final() {
                return Err(IntegrationError::Conflict(format!(
                    "the run {id} is over: there is nothing to stop"
                )));
            }
            let now = self.inner.clock.now();
            run.status = RunStatus::Cancelled;
            run.ended_at = Some(now);
            run.next_attempt_at = None;
            let mut batch = Batch::new(tenant.clone(), Origin::Api, now);
            batch.put(&run, Expect::At(version))?;
            match self.inner.store.commit(batch).await {
                Ok(_) => {
                    self.inner.live.cancel(id);
                    tracing::info!(%tenant, run = %id, "a run was cancelled");
                    return Ok(run);
                }
                // The run writes its document with every page.
                Err(StoreError::Conflict(_)) if attempt < MAX_ATTEMPTS => attempt += 1,
                Err(StoreError::Conflict(_)) => {
                    return Err(IntegrationError::Changed { what: "run", id: id.to_string() });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn load(&self, tenant: &TenantId, id: &RunId) -> Result<(Run, Version), IntegrationError> {
        self.inner
            .store
            .load::<Run>(tenant, id.as_str())
            .await?
            .ok_or_else(|| IntegrationError::NotFound { what: "run", id: id.to_string() })
    }
}

impl RunFilter {
    fn condition(&self) -> Option<Filter> {
        let instance = self.instance.as_ref().map(|instance| Filter::eq("instance", instance.as_str()));
        let status = self.status.map(|status| Filter::eq("status", status_name(status)));
        let job = self.job.as_ref().map(|job| Filter::eq("job", job.as_str()));
        [instance, status, job].into_iter().flatten().reduce(Filter::and)
    }
}

/// The status as it is stored.
fn status_name(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Unreconciled => "unreconciled",
        RunStatus::Partial => "partial",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_found_under_the_name_it_is_stored_with() {
        for status in [
            RunStatus::Running,
            RunStatus::Succeeded,
            RunStatus::Unreconciled,
            RunStatus::Partial,
            RunStatus::Failed,
            RunStatus::Cancelled,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status_name(status));
        }
    }
}
