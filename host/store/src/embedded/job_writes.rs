//! What a batch does to jobs, and the claiming of jobs.

use std::collections::HashSet;
use std::time::Duration;

use mortise_model::clock::Timestamp;
use mortise_model::id::{JobId, TenantId};

use super::board::{JobRef, State};
use super::codec::{job_id, made_id};
use super::group::Group;
use super::job_record::JobRecord;
use super::{Shared, keys};
use crate::{Claim, JobStatus, Lease, LeasedJob, StoreError, Write};

/// A write to a job that was checked.
pub(super) enum JobWrite {
    Add(JobRef, JobRecord),
    Remove(JobRef),
    Wait { job: JobRef, due: Option<i64>, reason: Option<String>, counts: Attempt },
    Bury { job: JobRef, reason: String },
    Cancel(JobRef),
}

/// Whether the attempt that ends counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    Counts,
    DoesNotCount,
}

/// Checks that every lease in the batch is held, and that none ends twice.
pub(super) fn check(shared: &Shared, tenant: u32, writes: &[Write]) -> Result<(), StoreError> {
    let mut ended = HashSet::new();
    for write in writes {
        let (lease, ends) = match write {
            Write::Fence(lease) => (lease, false),
            Write::Complete(lease)
            | Write::Release(lease)
            | Write::Retry { lease, .. }
            | Write::Bury { lease, .. } => (lease, true),
            _ => continue,
        };
        held(shared, tenant, lease)?;
        if ends && !ended.insert(&lease.job) {
            return Err(StoreError::Invalid(format!(
                "a batch ends the job {} twice: end it once",
                lease.job
            )));
        }
    }
    Ok(())
}

/// The job of a lease that is held.
fn held(shared: &Shared, tenant: u32, lease: &Lease) -> Result<JobRef, StoreError> {
    let job = (tenant, made_id(lease.job.as_str())?);
    let board = shared.board();
    match board.get(job).map(|entry| entry.state) {
        Some(State::Leased { token, .. }) if token == lease.token => Ok(job),
        _ => Err(StoreError::LeaseLost(lease.job.clone())),
    }
}

/// Reads the writes of a batch that was checked. What may fail fails here.
pub(super) fn prepare(
    group: &Group<'_>,
    tenant: u32,
    writes: Vec<Write>,
) -> Result<Vec<JobWrite>, StoreError> {
    let job_of = |id: &JobId| Ok::<_, StoreError>((tenant, made_id(id.as_str())?));
    let leased = |lease: &Lease| {
        let job = job_of(&lease.job)?;
        load(group, job).map(|_| job)
    };
    let mut added = HashSet::new();
    let mut prepared = Vec::with_capacity(writes.len());
    for write in writes {
        prepared.push(match write {
            Write::Enqueue(new) => {
                let job = job_of(&new.id)?;
                if group.shared.board().get(job).is_some() || !added.insert(job) {
                    return Err(StoreError::Invalid(format!(
                        "there is a job {} already: make a new id",
                        new.id
                    )));
                }
                JobWrite::Add(job, JobRecord::new(new))
            }
            Write::Complete(lease) => JobWrite::Remove(job_of(&lease.job)?),
            Write::Retry { lease, due, reason } => JobWrite::Wait {
                job: leased(&lease)?,
                due: Some(due.as_millis()),
                reason: Some(reason),
                counts: Attempt::Counts,
            },
            Write::Release(lease) => JobWrite::Wait {
                job: leased(&lease)?,
                due: None,
                reason: None,
                counts: Attempt::DoesNotCount,
            },
            Write::Bury { lease, reason } => JobWrite::Bury { job: leased(&lease)?, reason },
            Write::Cancel(id) => JobWrite::Cancel(job_of(&id)?),
            Write::Fence(_) | Write::Put { .. } | Write::Delete { .. } | Write::Check { .. } => continue,
        });
    }
    Ok(prepared)
}

/// Makes the writes, in order.
pub(super) fn apply(group: &mut Group<'_>, tenant: u32, writes: Vec<JobWrite>) -> Result<(), StoreError> {
    for write in writes {
        match write {
            JobWrite::Add(job, record) => {
                let waiting = record.key.as_deref().and_then(|key| group.shared.board().waiting(tenant, key));
                match waiting {
                    Some(waiting) => make_due(group, waiting, record.due)?,
                    None => store(group, job, &record, 0)?,
                }
                group.frees_jobs = true;
            }
            JobWrite::Remove(job) => {
                group.remove(keys::job(job.0, job.1));
                group.shared.board().remove(job);
                group.frees_jobs = true;
            }
            JobWrite::Wait { job, due, reason, counts } => {
                let mut record = load(group, job)?;
                record.status = JobStatus::Waiting;
                record.worker = None;
                record.due = due.unwrap_or(record.due);
                if let Some(reason) = reason {
                    record.set_reason(&reason);
                }
                if counts == Attempt::DoesNotCount {
                    record.attempt = record.attempt.saturating_sub(1);
                }
                wait_again(group, job, &record)?;
            }
            JobWrite::Bury { job, reason } => {
                let mut record = load(group, job)?;
                record.status = JobStatus::Dead;
                record.worker = None;
                record.set_reason(&reason);
                store(group, job, &record, 0)?;
                group.frees_jobs = true;
            }
            JobWrite::Cancel(job) => {
                let state = group.shared.board().get(job).map(|entry| entry.state);
                if matches!(state, Some(State::Waiting | State::Dead)) {
                    group.remove(keys::job(job.0, job.1));
                    group.shared.board().remove(job);
                }
            }
        }
    }
    Ok(())
}

/// Puts a job back. When another waits under its key by now, that one does its work, and is due no later.
fn wait_again(group: &mut Group<'_>, job: JobRef, record: &JobRecord) -> Result<(), StoreError> {
    group.frees_jobs = true;
    let other = record.key.as_deref().and_then(|key| group.shared.board().waiting(job.0, key));
    match other {
        Some(other) => {
            group.remove(keys::job(job.0, job.1));
            group.shared.board().remove(job);
            make_due(group, other, record.due)
        }
        None => store(group, job, record, 0),
    }
}

fn make_due(group: &mut Group<'_>, job: JobRef, due: i64) -> Result<(), StoreError> {
    let mut record = load(group, job)?;
    if due < record.due {
        record.due = due;
        store(group, job, &record, 0)?;
    }
    Ok(())
}

fn load(group: &Group<'_>, job: JobRef) -> Result<JobRecord, StoreError> {
    let value = group.get(&keys::job(job.0, job.1))?;
    let value = value.ok_or_else(|| StoreError::Corrupt("a job is not where it was".to_owned()))?;
    JobRecord::decode(&value)
}

fn store(group: &mut Group<'_>, job: JobRef, record: &JobRecord, until: i64) -> Result<(), StoreError> {
    group.insert(keys::job(job.0, job.1), record.encode()?);
    group.shared.board().set(job, record.entry(until));
    Ok(())
}

/// Leases jobs to a worker.
pub(super) fn claim(group: &mut Group<'_>, claim: &Claim) -> Result<Vec<LeasedJob>, StoreError> {
    let now = claim.now.as_millis();
    let chosen = group.shared.board().choose(&claim.kinds, now, claim.limit, claim.per_tenant);
    let until = claim.now.plus(claim.lease);
    let mut leased = Vec::with_capacity(chosen.len());
    for job in chosen {
        let mut record = load(group, job)?;
        record.status = JobStatus::Leased;
        record.attempt = record.attempt.saturating_add(1);
        record.token = record.token.saturating_add(1);
        record.worker = Some(claim.worker.clone());
        store(group, job, &record, until.as_millis())?;
        leased.push(LeasedJob {
            tenant: group.shared.catalogue.tenant_name(job.0)?,
            kind: record.kind,
            payload: record.payload,
            attempt: record.attempt,
            lease: Lease { job: job_id(job.1)?, token: record.token },
            until,
            due: Timestamp::from_millis(record.due),
        });
    }
    Ok(leased)
}

/// Makes a lease last longer. Nothing is written: the worker and the store end together.
pub(super) fn renew(
    shared: &Shared,
    tenant: &TenantId,
    lease: &Lease,
    now: Timestamp,
    duration: Duration,
) -> Result<Timestamp, StoreError> {
    let lost = || StoreError::LeaseLost(lease.job.clone());
    let tenant = shared.catalogue.tenant(tenant).ok_or_else(lost)?;
    let job = (tenant, made_id(lease.job.as_str())?);
    let until = now.plus(duration);
    let mut board = shared.board();
    let mut entry = board.get(job).cloned().ok_or_else(lost)?;
    match &mut entry.state {
        State::Leased { token, until: end } if *token == lease.token => *end = until.as_millis(),
        _ => return Err(lost()),
    }
    board.set(job, entry);
    Ok(until)
}
