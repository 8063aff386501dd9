//! A host in memory, for a plugin's own tests.
//!
//! Built for anything but WebAssembly, every function of this crate that reaches the host reaches the [`Host`] of the
//! thread. It keeps to the contract: what the manifest does not ask for is `denied`, storage is kept with the page it
//! belongs to, a pull that failed goes on at its last page.
//!
//! ```
//! use mortise_sdk::prelude::*;
//! use mortise_sdk::testing::{Answer, Host};
//! use mortise_sdk::http;
//! # struct Notes;
//! # impl Connector for Notes {
//! #     type Settings = serde_json::Value;
//! #     fn manifest() -> Manifest { Manifest::connector("a/b", "1.0.0").calls("notes.example", "Reads notes.") }
//! #     fn open(_: serde_json::Value) -> Result<Self> { Ok(Self) }
//! #     fn entities(&self) -> Result<Vec<Entity>> { Ok(Vec::new()) }
//! #     fn pull(&self, _: PullRequest, sink: &Sink) -> Result<PullEnd> {
//! #         let names: Vec<String> = http::get("https://notes.example/all").send()?.json()?;
//! #         let mut page = Page::last();
//! #         for name in names { page.record(&name, &serde_json::json!({ "name": name })); }
//! #         sink.commit(page)?;
//! #         Ok(PullEnd::without_bookmark())
//! #     }
//! # }
//!
//! let host = Host::new().answer(|request| {
//!     assert_eq!(request.path(), "/all");
//!     Answer::json(&["one", "two"])
//! });
//! host.pull::<Notes>("account").unwrap();
//! assert_eq!(host.records("account").len(), 2);
//! ```

mod answer;
pub(crate) mod functions;
mod grant;
mod host;
mod request;
mod state;
mod storage;

pub use crate::testing::answer::Answer;
pub use crate::testing::host::{Host, create, remove, update};
pub use crate::testing::request::Request;
pub use crate::testing::state::LogLine;
