//! Which part of what matches is wanted, and what a page says about the whole.

use serde::Serialize;

use crate::cursor::Cursor;
use crate::filter::Filter;
use crate::order::SortKey;

/// Documents of a page when the caller does not say.
pub const DEFAULT_SIZE: u32 = 25;
/// Most documents of a page that a caller may ask for.
pub const MAX_SIZE: u32 = 500;
/// Highest page number. Further on is reached by cursor.
pub const MAX_PAGE: u32 = 1_000_000;

/// What to find: a filter, an order and a part of the result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Which documents; all when None.
    pub filter: Option<Filter>,
    /// In which order. Ties, and documents without an order, are sorted by id: see [`crate::order::tie_direction`].
    pub order: Vec<SortKey>,
    /// Which part.
    pub page: PageRequest,
    /// Whether to count all that match.
    pub count: bool,
}

/// Where a page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    /// So many pages from the beginning, from 1.
    Number(u32),
    /// After a document.
    After(Cursor),
}

/// A part of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    start: PageStart,
    size: u32,
}

/// A page that cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The page is not a number in range.
    #[error("`page` must be a whole number from 1 to {MAX_PAGE}")]
    Number,
    /// The size is not a number in range.
    #[error("`size` must be a whole number from 1 to {MAX_SIZE}")]
    Size,
    /// A number and a cursor are both given.
    #[error("`page` and `after` exclude each other: pass one of them")]
    PageAndCursor,
}

impl PageError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Number => "page.invalid",
            Self::Size => "page.invalid_size",
            Self::PageAndCursor => "page.ambiguous",
        }
    }
}

impl PageRequest {
    /// The first `size` documents. For Rust code; `size` is not limited to [`MAX_SIZE`].
    pub const fn first(size: u32) -> Self {
        Self { start: PageStart::Number(1), size }
    }

    /// The next `size` documents after one. For Rust code; `size` is not limited to [`MAX_SIZE`].
    pub const fn after(cursor: Cursor, size: u32) -> Self {
        Self { start: PageStart::After(cursor), size }
    }

    /// What a caller asks for by the texts of `page` and `size`, and by a cursor.
    pub fn parse(page: Option<&str>, size: Option<&str>, after: Option<Cursor>) -> Result<Self, PageError> {
        let size = size.map_or(Some(DEFAULT_SIZE), |text| number(text, MAX_SIZE)).ok_or(PageError::Size)?;
        let start = match (page, after) {
            (Some(_), Some(_)) => return Err(PageError::PageAndCursor),
            (None, Some(cursor)) => PageStart::After(cursor),
            (Some(text), None) => PageStart::Number(number(text, MAX_PAGE).ok_or(PageError::Number)?),
            (None, None) => PageStart::Number(1),
        };
        Ok(Self { start, size })
    }

    /// Where it starts.
    pub const fn start(&self) -> &PageStart {
        &self.start
    }

    /// Most documents it has.
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// How many documents come before it, after the cursor if there is one.
    pub fn offset(&self) -> u64 {
        match self.start {
            PageStart::Number(page) => u64::from(page.saturating_sub(1)) * u64::from(self.size),
            PageStart::After(_) => 0,
        }
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(DEFAULT_SIZE)
    }
}

/// A whole number from 1, in digits alone.
fn number(text: &str, max: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && (1..=max).contains(number))
}

/// What a page says about the whole, when all was counted. As JSON the paging header's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageResult {
    /// How many documents match.
    pub total_count: u64,
    /// Most documents of a page.
    pub page_size: u32,
    /// The number of the page; None after a cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_page: Option<u32>,
    /// How many pages there are; none when nothing matches.
    pub total_pages: u64,
    /// Whether documents come before the page.
    pub has_previous: bool,
    /// Whether documents follow.
    pub has_next: bool,
}

impl PageResult {
    /// The page that was asked for among `total` documents; `more` says whether documents follow it.
    pub fn new(page: &PageRequest, total: u64, more: bool) -> Self {
        let (current_page, has_previous) = match page.start {
            PageStart::Number(number) => (Some(number), number > 1 && total > 0),
            PageStart::After(_) => (None, true),
        };
        let total_pages = total.div_ceil(u64::from(page.size.max(1)));
        Self {
            total_count: total,
            page_size: page.size,
            current_page,
            total_pages,
            has_previous,
            has_next: more,
        }
    }
}
