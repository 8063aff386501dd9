//! Where a pull's pages go.

use async_trait::async_trait;
use mortise_model::connector::{Page, Receipt};
use mortise_model::error::PluginError;
use mortise_store::Write;

/// Keeps the pages of one pull.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Keeps a page and the plugin's storage writes so far in one batch. Answers when it is safe on disk.
    ///
    /// The page's sizes were checked: see the bounds in `mortise_model::connector`.
    async fn commit(&self, page: Page, storage: Vec<Write>) -> Result<Receipt, PluginError>;
}
