//! Where the pages of a pull go: each is one batch, or an error and the end of the pull.

use std::sync::Arc;

use async_trait::async_trait;
use mortise_model::connector::{Page, PullRequest, Receipt};
use mortise_model::error::PluginError;
use mortise_model::instance::SyncAction;
use mortise_runtime::Sink;
use mortise_store::{Collection, Conflict, Version, Write, collections};
use tokio::sync::Mutex;
use tracing::Instrument as _;

use crate::sync::book::CommitError;
use crate::sync::enumeration::{Enumeration, Seen};
use crate::sync::landing::Pulled;
use crate::sync::progress::SyncState;
use crate::sync::scope::{MOST_PLANS, Scope, add};
use crate::sync::stop::Stop;

/// Keeps the pages of one call of `pull`. Clones are the same sink.
#[derive(Clone)]
pub(crate) struct PageSink {
    scope: Arc<Scope>,
    action: SyncAction,
    progress: Arc<Mutex<Progress>>,
}

/// How far a pull is.
pub(crate) struct Progress {
    /// As it was last written.
    pub(crate) state: SyncState,
    /// The version of that. None when nothing was written yet.
    pub(crate) version: Option<Version>,
    /// What landed so far.
    seen: Seen,
    /// Pages that this call committed.
    pub(crate) committed: u32,
    /// Why no page is taken any more.
    pub(crate) stopped: Option<Stop>,
    /// Whether a page broke the rules of an enumeration: what came before it proves nothing.
    broken: bool,
}

impl Progress {
    /// Reads how far an action is. An enumeration that cannot go on where it was begins anew.
    pub(crate) async fn load(scope: &Scope, action: SyncAction) -> Result<Self, Stop> {
        let (store, tenant) = (scope.store.as_ref(), scope.tenant());
        let (mut state, version) =
            SyncState::load(store, tenant, &scope.instance.id, action, scope.now()).await?;
        if let Some(interrupted) = state.enumeration.take_if(|enumeration| enumeration.cursor.is_none()) {
            state.enumeration = Some(begin(scope, interrupted.restarts));
        }
        let seen = state.seen(store, tenant).await?;
        Ok(Self { state, version, seen, committed: 0, stopped: None, broken: false })
    }

    /// The cursor that the pull goes on from.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.state.enumeration.as_ref().and_then(|enumeration| enumeration.cursor.as_deref())
    }
}

fn begin(scope: &Scope, restarts: u32) -> Enumeration {
    Enumeration::new(format!("{}/{restarts}", scope.run), restarts)
}

impl PageSink {
    /// A sink for a pull that goes on from `progress`.
    pub(crate) fn new(scope: Arc<Scope>, action: SyncAction, mut progress: Progress) -> Arc<Self> {
        progress.state.enumeration.get_or_insert_with(|| begin(&scope, 0));
        Arc::new(Self { scope, action, progress: Arc::new(Mutex::new(progress)) })
    }

    /// What the plugin is asked for.
    pub(crate) async fn request(&self) -> PullRequest {
        let progress = self.progress.lock().await;
        PullRequest {
            entity: self.action.entity,
            bookmark: progress.state.bookmark.clone(),
            cursor: progress.cursor().map(str::to_owned),
            page_size: self.scope.config.page_size,
        }
    }

    /// Takes no page any more, and answers how far the pull is.
    pub(crate) async fn close(&self) -> ClosedSink {
        let mut progress = self.progress.lock().await;
        let stopped =
            progress.stopped.replace(Stop::failed("pull-over", "the pull is over: no page is taken"));
        ClosedSink {
            state: progress.state.clone(),
            version: progress.version,
            committed: progress.committed,
            stopped,
            broken: progress.broken,
        }
    }

    async fn take(&self, page: Page, storage: Vec<Write>) -> Result<Receipt, PluginError> {
        let mut progress = self.progress.lock().await;
        if let Some(stop) = &progress.stopped {
            return Err(stop.to_plugin());
        }
        match self.keep(&mut progress, page, &storage).await {
            Ok(receipt) => Ok(receipt),
            Err(stop) => {
                let error = stop.to_plugin();
                progress.stopped = Some(stop);
                Err(error)
            }
        }
    }

    async fn keep(&self, progress: &mut Progress, page: Page, storage: &[Write]) -> Result<Receipt, Stop> {
        if let Some(stop) = self.scope.stopped() {
            return Err(stop);
        }
        let Some(enumeration) = &progress.state.enumeration else {
            return Err(Stop::failed(
                "no-enumeration",
                "the pull has no enumeration: this is a bug of the host",
            ));
        };
        let (enumeration, positions) = match enumeration.after(&page, &progress.seen) {
            Ok(after) => after,
            Err(error) => {
                progress.broken = true;
                return Err(Stop::Failed(error));
            }
        };
        let mut state = progress.state.clone();
        let remembered = state.remember_page(&enumeration, &positions)?;
        let total = enumeration.total;
        state.enumeration = Some(enumeration);
        state.updated_at = self.scope.now();
        let pulled = Pulled::of_page(page.records, page.failures);
        let mut last = None;
        for _ in 0..MOST_PLANS {
            let landing = self.scope.plan_landing(self.action, &pulled).await?;
            let mut writes = landing.writes.clone();
            writes.push(state.write(progress.version)?);
            writes.push(remembered.clone());
            writes.extend_from_slice(storage);
            let counts = landing.counts;
            let committed = self
                .scope
                .commit(self.action, writes, move |report| {
                    report.counts = add(report.counts, counts);
                    report.counts.pages = report.counts.pages.saturating_add(1);
                    report.reported_total = total.or(report.reported_total);
                })
                .await;
            match committed {
                Ok(version) => {
                    progress.state = state;
                    progress.version = Some(version);
                    progress.committed = progress.committed.saturating_add(1);
                    progress.seen.add(&positions);
                    if !page.next_cursor.is_empty() {
                        progress.seen.add_cursor(&page.next_cursor);
                    }
                    self.scope.log_landing(&landing);
                    self.scope.items.add_failed(landing.counts.failed)?;
                    return Ok(landing.receipt);
                }
                Err(CommitError::Conflict(conflict)) if is_in(&conflict, &collections::SYNC_STATES) => {
                    return Err(forgotten());
                }
                Err(CommitError::Conflict(conflict)) => last = Some(conflict),
                Err(CommitError::Stop(stop)) => return Err(stop),
            }
        }
        Err(last.map_or_else(forgotten, |conflict| Scope::too_many_conflicts(&conflict)))
    }
}

/// How far a pull was when it ended.
pub(crate) struct ClosedSink {
    /// As it was last written.
    pub(crate) state: SyncState,
    /// The version of that.
    pub(crate) version: Option<Version>,
    /// Pages that the call committed.
    pub(crate) committed: u32,
    /// Why pages were refused, if they were.
    pub(crate) stopped: Option<Stop>,
    /// Whether a page broke the rules of an enumeration.
    pub(crate) broken: bool,
}

/// The state of the action was changed by somebody else.
pub(crate) fn forgotten() -> Stop {
    Stop::later("somebody changed how far this action is while it ran: it begins again from there")
}

/// Whether a conflict is about a document of a collection.
pub(crate) fn is_in(conflict: &Conflict, wanted: &Collection) -> bool {
    match conflict {
        Conflict::Document { collection, .. } | Conflict::NotUnique { collection, .. } => {
            *collection == wanted.name
        }
        _ => false,
    }
}

#[async_trait]
impl Sink for PageSink {
    /// A task of its own: a call whose time is up is dropped, but a batch on its way to the disk has to be seen through,
    /// or the run would not know what it has written.
    async fn commit(&self, page: Page, storage: Vec<Write>) -> Result<Receipt, PluginError> {
        let sink = self.clone();
        let kept = async move { sink.take(page, storage).await };
        tokio::spawn(kept.in_current_span()).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the task that keeps a page ended without an answer");
            Err(PluginError::retryable("the host failed to keep the page"))
        })
    }
}
