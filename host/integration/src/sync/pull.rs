//! One pull action: an enumeration from its bookmark or cursor to a verdict.

use std::sync::Arc;

use mortise_model::connector::MAX_CURSOR;
use mortise_model::instance::SyncAction;
use mortise_model::log::LogLevel;
use mortise_runtime::Returned;
use mortise_store::Write;

use crate::sync::book::CommitError;
use crate::sync::enumeration::{Enumeration, MOST_RESTARTS, Verdict};
use crate::sync::scope::Scope;
use crate::sync::sink::{ClosedSink, PageSink, Progress, forgotten};
use crate::sync::stop::Stop;

/// What is done about an enumeration that ended.
enum Next {
    Done,
    Again,
}

impl Scope {
    /// Pulls one entity until all of it landed, or says why it did not.
    pub(crate) async fn pull(self: &Arc<Self>, action: SyncAction) -> Result<(), Stop> {
        // One more than the restarts: a cursor that the plugin refuses is given up once.
        for _ in 0..=MOST_RESTARTS + 1 {
            match self.enumerate(action).await? {
                Next::Done => return Ok(()),
                Next::Again => {}
            }
        }
        Err(Stop::failed("too-many-restarts", "the pull was started over too often"))
    }

    async fn enumerate(self: &Arc<Self>, action: SyncAction) -> Result<Next, Stop> {
        if let Some(stop) = self.stopped() {
            return Err(stop);
        }
        let progress = Progress::load(self, action).await?;
        let goes_on = progress.cursor().is_some();
        if goes_on {
            self.log().host(LogLevel::Info, format!("{} goes on where it was interrupted", action.key()));
        }
        let sink = PageSink::new(Arc::clone(self), action, progress);
        let request = sink.request().await;
        let call = self.call(&action.key());
        let pulled = self.connectors.pull(call, request, Arc::<PageSink>::clone(&sink) as _).await;
        let closed = sink.close().await;
        if let Some(stop) = closed.stopped.clone() {
            return self.refused(action, closed, stop).await;
        }
        match pulled {
            Ok(Returned { value, storage }) => match value.bookmark {
                Some(bookmark) if bookmark.len() > MAX_CURSOR => {
                    let message =
                        format!("the bookmark has {} bytes, it may have {MAX_CURSOR}", bookmark.len());
                    Err(Stop::failed("bookmark-too-long", message))
                }
                bookmark => self.judge(action, closed, bookmark, storage).await,
            },
            Err(error) => {
                let stop = self.stop_of(error);
                if goes_on && closed.committed == 0 && matches!(stop, Stop::Failed(_)) {
                    return self.give_cursor_up(action, closed, &stop).await;
                }
                Err(stop)
            }
        }
    }

    /// A page was refused. An enumeration that broke the rules is not gone on with.
    async fn refused(&self, action: SyncAction, closed: ClosedSink, stop: Stop) -> Result<Next, Stop> {
        if closed.broken {
            self.restart(action, closed, None, Vec::new()).await?;
        }
        Err(stop)
    }

    /// The plugin failed at once where it was to go on: perhaps it cannot read the cursor any more.
    async fn give_cursor_up(
        &self,
        action: SyncAction,
        closed: ClosedSink,
        stop: &Stop,
    ) -> Result<Next, Stop> {
        let Stop::Failed(error) = stop else { return Err(stop.clone()) };
        self.log().host(
            LogLevel::Warn,
            format!("{} could not go on where it was interrupted and starts over: {error}", action.key()),
        );
        let restarts = closed.state.enumeration.as_ref().map_or(0, |enumeration| enumeration.restarts);
        let anew = Enumeration::new(format!("{}/{restarts}/anew", self.run), restarts);
        self.restart(action, closed, Some(anew), Vec::new()).await?;
        Ok(Next::Again)
    }

    async fn judge(
        &self,
        action: SyncAction,
        closed: ClosedSink,
        bookmark: Option<String>,
        storage: Vec<Write>,
    ) -> Result<Next, Stop> {
        let Some(enumeration) = closed.state.enumeration.clone() else { return Err(forgotten()) };
        let verdict = enumeration.verdict();
        match verdict {
            Verdict::Reconciled | Verdict::Unreconciled => {
                let mut writes = closed.state.forget_pages(&enumeration);
                let mut state = closed.state;
                state.bookmark = bookmark;
                state.enumeration = None;
                state.updated_at = self.now();
                writes.push(state.write(closed.version)?);
                writes.extend(storage);
                self.write_end(action, writes, Some(verdict == Verdict::Reconciled)).await?;
                let landed = enumeration.landed;
                let compared = match enumeration.total {
                    Some(total) => format!("the far side has {total}"),
                    None => "the far side gave no total".to_owned(),
                };
                self.log().host(LogLevel::Info, format!("{}: {landed} records, {compared}", action.key()));
                Ok(Next::Done)
            }
            Verdict::Again(why) => {
                self.log().host(LogLevel::Warn, format!("{} starts over: {why}", action.key()));
                let restarts = enumeration.restarts.saturating_add(1);
                let anew = Enumeration::new(format!("{}/{restarts}", self.run), restarts);
                self.restart(action, closed, Some(anew), storage).await?;
                Ok(Next::Again)
            }
            Verdict::Failed(error) => {
                self.restart(action, closed, None, Vec::new()).await?;
                Err(Stop::Failed(error))
            }
        }
    }

    /// Forgets what landed so far. The bookmark stays.
    async fn restart(
        &self,
        action: SyncAction,
        closed: ClosedSink,
        anew: Option<Enumeration>,
        storage: Vec<Write>,
    ) -> Result<(), Stop> {
        let mut writes = Vec::new();
        if let Some(enumeration) = &closed.state.enumeration {
            writes.extend(closed.state.forget_pages(enumeration));
        }
        let mut state = closed.state;
        let reconciled = if anew.is_some() { None } else { Some(false) };
        state.enumeration = anew;
        state.updated_at = self.now();
        writes.push(state.write(closed.version)?);
        writes.extend(storage);
        self.write_end(action, writes, reconciled).await
    }

    async fn write_end(
        &self,
        action: SyncAction,
        writes: Vec<Write>,
        reconciled: Option<bool>,
    ) -> Result<(), Stop> {
        match self.commit(action, writes, move |report| report.reconciled = reconciled).await {
            Ok(_) => Ok(()),
            Err(CommitError::Stop(stop)) => Err(stop),
            Err(CommitError::Conflict(_)) => Err(forgotten()),
        }
    }
}
