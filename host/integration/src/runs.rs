//! Runs and their logs.

use mortise_model::id::{InstanceId, JobId, RunId, TenantId};
use mortise_model::log::LogLine;
use mortise_model::run::{Run, RunStatus};

use crate::IntegrationError;
use crate::integration::Inner;

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
    pub async fn list(
        &self,
        tenant: &TenantId,
        filter: &RunFilter,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<Run>, IntegrationError> {
        let _ = (self.inner, tenant, filter, offset, limit);
        todo!()
    }

    /// One run.
    pub async fn get(&self, tenant: &TenantId, id: &RunId) -> Result<Run, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }

    /// Lines of a run's log from line `from` (0 is the first), at most `limit`.
    pub async fn log(
        &self,
        tenant: &TenantId,
        id: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<LogPage, IntegrationError> {
        let _ = (tenant, id, from, limit);
        todo!()
    }

    /// Stops a run. What it committed is kept.
    ///
    /// # Errors
    /// [`IntegrationError::Conflict`] when it is over.
    pub async fn cancel(&self, tenant: &TenantId, id: &RunId) -> Result<Run, IntegrationError> {
        let _ = (tenant, id);
        todo!()
    }
}
