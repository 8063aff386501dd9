//! Reading a far side that numbers its pages, with several requests in flight.
//!
//! ```no_run
//! # use mortise_sdk::{Result, http, paging::{self, Extent}};
//! # #[derive(serde::Deserialize)] struct Listing { items: Vec<u32>, pages: u32 }
//! # fn example() -> Result<()> {
//! let fetch = |page| http::get("https://erp.example/api/customers").query("page", page).credential("erp");
//! let read = |_page, answer: http::Response| {
//!     let listing: Listing = answer.json()?;
//!     Ok((Extent::Until(listing.pages), listing.items))
//! };
//! for page in paging::numbered(1, fetch, read).in_flight(4) {
//!     let (number, customers) = page?;
//!     // ... commit them ...
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::VecDeque;

use crate::context;
use crate::error::{Error, Result};
use crate::http::{self, Pending, Request, Response};

/// What a page says about those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The pages end with the one of this number.
    Until(u32),
    /// Another one follows; how many is not said. One request is in flight at a time.
    More,
    /// This is the last one.
    End,
}

/// Reads pages from number `first` on.
///
/// `fetch` builds the request for a page, `read` reads its answer. Pages come in order, whatever order the answers
/// arrive in. After an error there are no more. A run that was asked to stop is an error.
pub fn numbered<T, F, R>(first: u32, fetch: F, read: R) -> Numbered<F, R>
where
    F: FnMut(u32) -> Request,
    R: FnMut(u32, Response) -> Result<(Extent, T)>,
{
    Numbered { fetch, read, in_flight: 1, started: VecDeque::new(), next: first, last: first }
}

/// See [`numbered`].
#[derive(Debug)]
#[must_use = "pages are read as they are asked for"]
pub struct Numbered<F, R> {
    fetch: F,
    read: R,
    in_flight: usize,
    /// Pages asked for, in order. They are neighbours, and the last is `next - 1`.
    started: VecDeque<(u32, Result<Pending, http::Error>)>,
    /// The first page that is not asked for.
    next: u32,
    /// The last page known to be there to ask for.
    last: u32,
}

impl<F, R> Numbered<F, R> {
    /// Keeps up to this many requests in flight. Zero counts as one.
    pub fn in_flight(self, requests: u32) -> Self {
        Self { in_flight: usize::try_from(requests).unwrap_or(1).max(1), ..self }
    }

    /// Says how far the pages go, where that is known before the first is read: of a pull that is resumed.
    ///
    /// A last page before the first one leaves nothing to read.
    pub fn until(self, last: u32) -> Self {
        Self { last, ..self }
    }

    fn stop(&mut self) {
        self.started.clear();
        self.last = 0;
        self.next = u32::MAX;
    }
}

impl<T, F, R> Iterator for Numbered<F, R>
where
    F: FnMut(u32) -> Request,
    R: FnMut(u32, Response) -> Result<(Extent, T)>,
{
    type Item = Result<(u32, T)>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.started.len() < self.in_flight && self.next <= self.last {
            self.started.push_back((self.next, (self.fetch)(self.next).start()));
            self.next = self.next.saturating_add(1);
        }
        let (number, started) = self.started.pop_front()?;
        let page = context::go_on()
            .and_then(|()| started.and_then(Pending::wait).map_err(Error::from))
            .and_then(|answer| (self.read)(number, answer));
        match page {
            Ok((extent, page)) => {
                match extent {
                    Extent::Until(last) => self.last = last,
                    Extent::More => self.last = self.last.max(number.saturating_add(1)),
                    Extent::End => self.last = number,
                }
                if self.last <= number {
                    self.stop();
                }
                Some(Ok((number, page)))
            }
            Err(error) => {
                self.stop();
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Answer, Host, Request as SentRequest};

    const URL: &str = "https://erp.example/items";

    fn page_of(request: &SentRequest) -> u32 {
        request.query("page").unwrap().parse().unwrap()
    }

    fn read_number(extent: impl Fn(u32) -> Extent) -> impl FnMut(u32, Response) -> Result<(Extent, u32)> {
        move |page, answer| Ok((extent(page), answer.json()?))
    }

    #[test]
    fn pages_come_in_order_with_several_in_flight() {
        let host = Host::new().answer(|request| Answer::json(&(page_of(request) * 10)));
        let pages: Vec<_> = host.run(|| {
            let fetch = |page| http::get(URL).query("page", page);
            numbered(3, fetch, read_number(|_| Extent::Until(9))).in_flight(4).map(Result::unwrap).collect()
        });
        assert_eq!(pages, [(3, 30), (4, 40), (5, 50), (6, 60), (7, 70), (8, 80), (9, 90)]);
        assert_eq!(host.most_in_flight(), 4);
        assert_eq!(host.requests().len(), 7);
    }

    #[test]
    fn only_the_first_page_is_asked_for_until_it_says_how_many_there_are() {
        let host = Host::new().answer(|_| Answer::json(&0));
        let pages = host.run(|| {
            let fetch = |page| http::get(URL).query("page", page);
            numbered(1, fetch, read_number(|_| Extent::Until(1))).in_flight(8).count()
        });
        assert_eq!((pages, host.requests().len()), (1, 1));
    }

    #[test]
    fn without_a_number_of_pages_each_is_asked_for_when_the_last_one_said_more() {
        let host = Host::new().answer(|request| Answer::json(&page_of(request)));
        let pages: Vec<_> = host.run(|| {
            let fetch = |page| http::get(URL).query("page", page);
            let extent = |page| if page < 3 { Extent::More } else { Extent::End };
            numbered(1, fetch, read_number(extent)).in_flight(4).map(Result::unwrap).collect()
        });
        assert_eq!(pages, [(1, 1), (2, 2), (3, 3)]);
        assert_eq!((host.most_in_flight(), host.requests().len()), (1, 3));
    }

    #[test]
    fn an_error_ends_the_pages() {
        let host = Host::new().answer(|request| {
            if page_of(request) == 2 { Answer::status(500) } else { Answer::json(&json!(1)) }
        });
        let pages: Vec<_> = host.run(|| {
            let fetch = |page| http::get(URL).query("page", page);
            numbered(1, fetch, read_number(|_| Extent::Until(5))).in_flight(2).collect()
        });
        assert_eq!(pages.len(), 2);
        assert!(matches!(pages.last(), Some(Err(Error::Retryable(_)))), "{pages:?}");
    }

    #[test]
    fn a_resumed_enumeration_that_was_complete_asks_for_nothing() {
        let host = Host::new();
        let pages = host.run(|| {
            let fetch = |page| http::get(URL).query("page", page);
            numbered(6, fetch, read_number(|_| Extent::End)).until(5).count()
        });
        assert_eq!((pages, host.requests().len()), (0, 0));
    }
}
