//! One push action: what changed since the last, sent in batches, an outcome for each record.
//!
//! The first push of an action begins at the beginning of the change feed: every record that the instance did not
//! bring in itself is sent, as a new one where it is not linked.

use mortise_model::instance::SyncAction;
use mortise_store::{Version, Write};

use crate::sync::book::CommitError;
use crate::sync::progress::{FeedPlace, SyncState};
use crate::sync::scope::Scope;
use crate::sync::send::{Delivery, Sending};
use crate::sync::sink::forgotten;
use crate::sync::stop::Stop;
use crate::sync::stretch;

/// The state of a push action as it was last written.
pub(crate) struct Feed {
    pub(crate) state: SyncState,
    pub(crate) version: Option<Version>,
}

impl Feed {
    /// The write that moves the place in the feed.
    pub(crate) fn moved(&self, place: FeedPlace, scope: &Scope) -> Result<(SyncState, Write), Stop> {
        let mut state = self.state.clone();
        state.feed = place;
        state.updated_at = scope.now();
        let write = state.write(self.version)?;
        Ok((state, write))
    }
}

impl Scope {
    /// Sends what changed until the end of the feed.
    pub(crate) async fn push(&self, action: SyncAction) -> Result<(), Stop> {
        let (store, tenant) = (self.store.as_ref(), self.tenant());
        let instance = &self.instance.id;
        let (state, version) = SyncState::load(store, tenant, instance, action, self.now()).await?;
        let mut feed = Feed { state, version };
        loop {
            if let Some(stop) = self.stopped() {
                return Err(stop);
            }
            let FeedPlace { after, until, .. } = feed.state.feed;
            let stretch = stretch::read(store, tenant, instance, action.entity, after, until).await?;
            let Some(until) = stretch.until else { return Ok(()) };
            feed.state.feed.until = Some(until);
            self.push_stretch(action, &mut feed, &stretch.records).await?;
            let done = FeedPlace { after: until, ..FeedPlace::default() };
            self.move_feed(action, &mut feed, done).await?;
        }
    }

    /// Sends again what an earlier run had begun to send and of which the outcome is not known.
    pub(crate) async fn settle_push(&self, action: SyncAction) -> Result<(), Stop> {
        let (store, tenant) = (self.store.as_ref(), self.tenant());
        let instance = &self.instance.id;
        let (state, version) = SyncState::load(store, tenant, instance, action, self.now()).await?;
        let FeedPlace { after, until, attempts, .. } = state.feed;
        if attempts == 0 {
            return Ok(());
        }
        let stretch = stretch::read(store, tenant, instance, action.entity, after, until).await?;
        self.push_stretch(action, &mut Feed { state, version }, &stretch.records).await
    }

    async fn push_stretch(&self, action: SyncAction, feed: &mut Feed, records: &[u64]) -> Result<(), Stop> {
        let most = self.config.push_batch.max(1);
        let mut size = most;
        loop {
            if let Some(stop) = self.stopped() {
                return Err(stop);
            }
            let place = feed.state.feed;
            let rest = records.get(usize::try_from(place.done).unwrap_or(usize::MAX)..).unwrap_or_default();
            let Some(batch) = rest.chunks(size).next() else { return Ok(()) };
            let candidates = self.candidates(action, batch).await?;
            let done = FeedPlace {
                done: place.done.saturating_add(u32::try_from(batch.len()).unwrap_or(u32::MAX)),
                attempts: 0,
                ..place
            };
            if candidates.is_empty() {
                feed.state.feed = done;
                continue;
            }
            // Noted before anything is sent: whoever comes after a crash knows that it may have arrived.
            let attempts = place.attempts.saturating_add(1);
            self.move_feed(action, feed, FeedPlace { attempts, ..place }).await?;
            let n = batch.len();
            match self.send(action, candidates, Sending::Feed { feed, done, attempts }).await? {
                Delivery::Kept => size = size.saturating_mul(2).min(most),
                Delivery::Broken => size = (n / 2).max(1),
            }
        }
    }

    async fn move_feed(&self, action: SyncAction, feed: &mut Feed, place: FeedPlace) -> Result<(), Stop> {
        let (state, write) = feed.moved(place, self)?;
        match self.commit(action, vec![write], |_| ()).await {
            Ok(version) => {
                *feed = Feed { state, version: Some(version) };
                Ok(())
            }
            Err(CommitError::Stop(stop)) => Err(stop),
            Err(CommitError::Conflict(_)) => Err(forgotten()),
        }
    }
}
