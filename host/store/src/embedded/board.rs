//! Which job is next: the state of all jobs, in memory, in the orders in which they are asked for.
//!
//! Made from the stored jobs when the store opens and changed by the writer alone. Jobs that wait are in queues, one
//! for each tenant, lane and kind; the earliest job of each queue whose lane is free is among the heads. So a claim
//! looks at the queues that have something due, not at all jobs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

/// A job: its tenant's number and its id.
pub(super) type JobRef = (u32, [u8; 16]);

/// What the board knows of a job.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) kind: String,
    pub(super) key: Option<String>,
    pub(super) lane: Option<String>,
    pub(super) due: i64,
    pub(super) state: State,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Leased { token: u64, until: i64 },
    Dead,
}

/// The lane comes before the kind, so that the queues of a lane are together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct QueueId {
    tenant: u32,
    lane: Option<String>,
    kind: String,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: BTreeSet<(i64, JobRef)>,
    /// The due time under which it is among the heads.
    head: Option<i64>,
}

/// The state of all jobs.
#[derive(Debug, Default)]
pub(super) struct Board {
    jobs: HashMap<JobRef, Entry>,
    by_tenant: HashMap<u32, BTreeSet<(i64, JobRef)>>,
    waiting_keys: HashMap<(u32, String), JobRef>,
    queues: BTreeMap<QueueId, Queue>,
    heads: BTreeSet<(i64, QueueId)>,
    leases: BTreeSet<(i64, JobRef)>,
    leased: HashMap<u32, usize>,
    /// The job that holds each busy lane.
    lanes: HashMap<(u32, String), JobRef>,
}

impl Board {
    /// What is known of a job.
    pub(super) fn get(&self, job: JobRef) -> Option<&Entry> {
        self.jobs.get(&job)
    }

    /// The job of a tenant that waits under a key.
    pub(super) fn waiting(&self, tenant: u32, key: &str) -> Option<JobRef> {
        self.waiting_keys.get(&(tenant, key.to_owned())).copied()
    }

    /// The jobs of a tenant with their entries, the earliest due first.
    pub(super) fn of_tenant(&self, tenant: u32) -> impl Iterator<Item = (JobRef, &Entry)> {
        let jobs = self.by_tenant.get(&tenant).into_iter().flatten();
        jobs.filter_map(|(_, job)| self.jobs.get(job).map(|entry| (*job, entry)))
    }

    /// Adds a job, or puts it in another state.
    pub(super) fn set(&mut self, job: JobRef, entry: Entry) {
        self.remove(job);
        let tenant = job.0;
        self.by_tenant.entry(tenant).or_default().insert((entry.due, job));
        match entry.state {
            State::Waiting => {
                if let Some(key) = &entry.key {
                    self.waiting_keys.insert((tenant, key.clone()), job);
                }
                let id = queue_of(job, &entry);
                self.queues.entry(id.clone()).or_default().jobs.insert((entry.due, job));
                self.refresh(&id);
            }
            State::Leased { until, .. } => {
                self.leases.insert((until, job));
                *self.leased.entry(tenant).or_default() += 1;
                if let Some(lane) = &entry.lane {
                    self.lanes.insert((tenant, lane.clone()), job);
                    self.refresh_lane(tenant, lane);
                }
            }
            State::Dead => {}
        }
        self.jobs.insert(job, entry);
    }

    /// Takes a job away.
    pub(super) fn remove(&mut self, job: JobRef) {
        let Some(entry) = self.jobs.remove(&job) else { return };
        let tenant = job.0;
        remove_from(&mut self.by_tenant, tenant, (entry.due, job));
        match entry.state {
            State::Waiting => {
                if let Some(key) = &entry.key {
                    self.waiting_keys.remove(&(tenant, key.clone()));
                }
                let id = queue_of(job, &entry);
                if let Some(queue) = self.queues.get_mut(&id) {
                    queue.jobs.remove(&(entry.due, job));
                }
                self.refresh(&id);
            }
            State::Leased { until, .. } => {
                self.leases.remove(&(until, job));
                if let Some(count) = self.leased.get_mut(&tenant) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        self.leased.remove(&tenant);
                    }
                }
                if let Some(lane) = &entry.lane {
                    self.lanes.remove(&(tenant, lane.clone()));
                    self.refresh_lane(tenant, lane);
                }
            }
            State::Dead => {}
        }
    }

    /// Chooses jobs to lease, the oldest due first.
    ///
    /// A job whose lease has ended holds its lane until it is leased again, and does not count for its tenant.
    pub(super) fn choose(&self, kinds: &[String], now: i64, limit: usize, per_tenant: usize) -> Vec<JobRef> {
        let is_wanted = |kind: &str| kinds.iter().any(|wanted| wanted == kind);
        let mut working = self.leased.clone();
        let mut ended = BTreeSet::new();
        for (_, job) in self.leases.range(..(now.saturating_add(1), (0, [0; 16]))) {
            if let Some(count) = working.get_mut(&job.0) {
                *count = count.saturating_sub(1);
            }
            if let Some(entry) = self.jobs.get(job)
                && is_wanted(&entry.kind)
            {
                ended.insert((entry.due, *job));
            }
        }
        let mut chosen = Vec::new();
        let mut lanes = HashSet::new();
        let mut waiting = WaitingJobs { board: self, resume: BTreeSet::new(), last_head: None };
        let mut next_waiting = waiting.next(now);
        let mut ended = ended.into_iter().peekable();
        while chosen.len() < limit {
            let use_ended = match (ended.peek(), &next_waiting) {
                (Some((ended, _)), Some((waiting, _, _))) => ended <= waiting,
                (ended, _) => ended.is_some(),
            };
            if use_ended {
                let Some((_, job)) = ended.next() else { break };
                let count = working.entry(job.0).or_default();
                if *count < per_tenant {
                    *count += 1;
                    chosen.push(job);
                }
                continue;
            }
            let Some((due, job, queue)) = next_waiting.take() else { break };
            let count = working.entry(queue.tenant).or_default();
            let is_free = queue.lane.as_ref().is_none_or(|lane| !lanes.contains(&(queue.tenant, lane)));
            if is_free && *count < per_tenant && is_wanted(&queue.kind) {
                *count += 1;
                chosen.push(job);
                match &queue.lane {
                    Some(lane) => {
                        lanes.insert((queue.tenant, lane));
                    }
                    None => waiting.go_on_with(queue, due, job, now),
                }
            }
            next_waiting = waiting.next(now);
        }
        chosen
    }

    /// When something may be there to claim that was not at `now`, without anybody writing.
    pub(super) fn next_time(&self, now: i64) -> Option<i64> {
        let after = now.saturating_add(1);
        let first_queue = QueueId { tenant: 0, lane: None, kind: String::new() };
        let head = self.heads.range((after, first_queue)..).next().map(|(due, _)| *due);
        let lease = self.leases.range((after, (0, [0; 16]))..).next().map(|(until, _)| *until);
        head.into_iter().chain(lease).min()
    }

    /// Brings a queue's place among the heads up to date.
    fn refresh(&mut self, id: &QueueId) {
        let Some(queue) = self.queues.get_mut(id) else { return };
        let is_busy =
            id.lane.as_ref().is_some_and(|lane| self.lanes.contains_key(&(id.tenant, lane.clone())));
        let head = if is_busy { None } else { queue.jobs.first().map(|(due, _)| *due) };
        if head != queue.head {
            if let Some(due) = queue.head {
                self.heads.remove(&(due, id.clone()));
            }
            if let Some(due) = head {
                self.heads.insert((due, id.clone()));
            }
            queue.head = head;
        }
        if queue.jobs.is_empty() {
            self.queues.remove(id);
        }
    }

    fn refresh_lane(&mut self, tenant: u32, lane: &str) {
        let first = QueueId { tenant, lane: Some(lane.to_owned()), kind: String::new() };
        let ids: Vec<QueueId> = self
            .queues
            .range(&first..)
            .take_while(|(id, _)| id.tenant == tenant && id.lane.as_deref() == Some(lane))
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.refresh(&id);
        }
    }
}

/// The jobs that wait, the oldest due first: the heads, and what follows a head that was taken.
struct WaitingJobs<'a> {
    board: &'a Board,
    resume: BTreeSet<(i64, JobRef, &'a QueueId)>,
    last_head: Option<&'a (i64, QueueId)>,
}

impl<'a> WaitingJobs<'a> {
    fn next(&mut self, now: i64) -> Option<(i64, JobRef, &'a QueueId)> {
        let from = self.last_head.map_or(Bound::Unbounded, Bound::Excluded);
        let head = self.board.heads.range((from, Bound::Unbounded)).next();
        let head = head.filter(|(due, _)| *due <= now);
        let resumed = self.resume.first().copied();
        let is_resumed = match (&resumed, head) {
            (Some((resumed, _, _)), Some((due, _))) => resumed <= due,
            (resumed, _) => resumed.is_some(),
        };
        if is_resumed {
            return self.resume.pop_first();
        }
        let head = head?;
        self.last_head = Some(head);
        let (due, queue) = head;
        let (_, job) = self.board.queues.get(queue)?.jobs.first()?;
        Some((*due, *job, queue))
    }

    /// Offers the job that follows one in its queue too, when it is due.
    fn go_on_with(&mut self, queue: &'a QueueId, due: i64, job: JobRef, now: i64) {
        let following = self
            .board
            .queues
            .get(queue)
            .and_then(|queue| queue.jobs.range((Bound::Excluded((due, job)), Bound::Unbounded)).next());
        if let Some((due, job)) = following
            && *due <= now
        {
            self.resume.insert((*due, *job, queue));
        }
    }
}

fn queue_of(job: JobRef, entry: &Entry) -> QueueId {
    QueueId { tenant: job.0, lane: entry.lane.clone(), kind: entry.kind.clone() }
}

fn remove_from(sets: &mut HashMap<u32, BTreeSet<(i64, JobRef)>>, tenant: u32, item: (i64, JobRef)) {
    if let Some(set) = sets.get_mut(&tenant) {
        set.remove(&item);
        if set.is_empty() {
            sets.remove(&tenant);
        }
    }
}
