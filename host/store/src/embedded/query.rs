//! Answering queries: in the order of an index where there is one, sorted in memory where there is none.

use std::collections::HashSet;

use mortise_model::id::TenantId;
use mortise_query::order::{position, tie_direction};
use mortise_query::page::PageStart;
use mortise_query::{Cursor, Direction, OrderCoverage, Plan, Query, Residual, plan};
use serde_json::Value;

use super::Shared;
use super::scan::{Candidate, Place, Scan};
use crate::limits::MAX_SORTED;
use crate::{Collection, Document, DocumentId, Found, StoreError};

/// Reads a page.
pub(super) fn run(
    shared: &Shared,
    tenant: &TenantId,
    collection: &'static Collection,
    query: &Query,
) -> Result<Found, StoreError> {
    let indexed = shared.catalogue.collection(collection)?;
    let cursor = match query.page.start() {
        PageStart::After(cursor) => Some((cursor, cursor_id(cursor)?)),
        PageStart::Number(_) => None,
    };
    let plan = plan(query.filter.as_ref(), &query.order, collection.indexes);
    let Some(tenant) = shared.catalogue.tenant(tenant) else {
        return Ok(Found { documents: Vec::new(), total: query.count.then_some(0), more: false });
    };
    let with_number = plan.as_ref().and_then(|plan| Some((plan, indexed.index_number(plan.index)?)));
    let scan = Scan { shared, tenant, collection: indexed.number, plan: with_number };
    let search = Search { scan, query, collection };
    match (&plan, query.order.is_empty()) {
        (Some(Plan { order: OrderCoverage::Satisfied(direction), .. }), _) => {
            search.in_order(*direction, search.place(plan.as_ref(), cursor)?.as_ref())
        }
        (None, true) => search.in_order(Direction::Ascending, search.place(None, cursor)?.as_ref()),
        _ => search.sorted(cursor),
    }
}

struct Search<'a> {
    scan: Scan<'a>,
    query: &'a Query,
    collection: &'static Collection,
}

impl Search<'_> {
    fn place(
        &self,
        plan: Option<&Plan<'_>>,
        cursor: Option<(&Cursor, DocumentId)>,
    ) -> Result<Option<Place>, StoreError> {
        let Some((cursor, id)) = cursor else { return Ok(None) };
        let key = match plan {
            Some(plan) => plan.position(&self.query.order, cursor),
            None => cursor.position(&self.query.order),
        };
        Ok(Some(Place { key: key.map_err(|error| StoreError::Invalid(error.to_string()))?, id }))
    }

    /// Reads candidates in the order that is asked for, no further than the page needs unless all are counted.
    fn in_order(&self, direction: Direction, after: Option<&Place>) -> Result<Found, StoreError> {
        let (offset, size) = (self.query.page.offset(), self.query.page.size() as usize);
        let mut total = 0_u64;
        let mut documents = Vec::new();
        let mut ids = HashSet::new();
        let mut more = false;
        for candidate in self.scan.candidates(direction, after)? {
            let candidate = candidate?;
            let is_on_page = total >= offset && documents.len() < size;
            if is_on_page {
                let Some(document) = self.matching(candidate)? else { continue };
                // A document that is moved in the index while it is read may be met twice.
                if !ids.insert(document.id.clone()) {
                    continue;
                }
                documents.push(document);
                total += 1;
            } else if self.matches_unread(candidate)? {
                total += 1;
                more = more || total > offset;
            }
            if more && (!self.query.count || after.is_some()) {
                break;
            }
        }
        let total = match after {
            _ if !self.query.count => None,
            None => Some(total),
            Some(_) => Some(self.count(direction)?),
        };
        Ok(Found { documents, total, more })
    }

    fn count(&self, direction: Direction) -> Result<u64, StoreError> {
        let mut total = 0;
        for candidate in self.scan.candidates(direction, None)? {
            total += u64::from(self.matches_unread(candidate?)?);
        }
        Ok(total)
    }

    /// Reads all that match and sorts them.
    fn sorted(&self, cursor: Option<(&Cursor, DocumentId)>) -> Result<Found, StoreError> {
        let order = &self.query.order;
        let ties = tie_direction(order);
        let mut found: Vec<(Vec<u8>, DocumentId)> = Vec::new();
        for candidate in self.scan.candidates(Direction::Ascending, None)? {
            let Some(document) = self.scan.read(candidate?)? else { continue };
            let value = self.parse(&document)?;
            if !self.filter_holds(&value) {
                continue;
            }
            if found.len() >= MAX_SORTED {
                return Err(StoreError::Invalid(format!(
                    "more than {MAX_SORTED} documents of {} match and no index has the order that is asked for: \
                     narrow the filter, or leave the order out",
                    self.collection.name
                )));
            }
            found.push((position(order, &value), document.id));
        }
        let compare = |left: &(Vec<u8>, DocumentId), right: &(Vec<u8>, DocumentId)| {
            left.0.cmp(&right.0).then_with(|| ties.apply(left.1.cmp(&right.1)))
        };
        found.sort_by(compare);
        found.dedup_by(|left, right| left.1 == right.1);
        let total = self.query.count.then_some(found.len() as u64);
        let first = match cursor {
            Some((cursor, id)) => {
                let position =
                    cursor.position(order).map_err(|error| StoreError::Invalid(error.to_string()))?;
                let place = (position, id);
                found.partition_point(|one| compare(one, &place).is_le())
            }
            None => usize::try_from(self.query.page.offset()).unwrap_or(usize::MAX),
        };
        let size = self.query.page.size() as usize;
        let more = found.len() > first.saturating_add(size);
        let page = found.into_iter().skip(first).take(size);
        let mut documents = Vec::new();
        for (_, id) in page {
            documents.extend(self.matching(Candidate { id, document: None })?);
        }
        Ok(Found { documents, total, more })
    }

    /// The document of a candidate when it matches as it is now.
    fn matching(&self, candidate: Candidate) -> Result<Option<Document>, StoreError> {
        let Some(document) = self.scan.read(candidate)? else { return Ok(None) };
        let matches = self.query.filter.is_none() || self.filter_holds(&self.parse(&document)?);
        Ok(matches.then_some(document))
    }

    /// Whether a candidate that is not wanted itself matches. It is only read when the index cannot tell.
    fn matches_unread(&self, candidate: Candidate) -> Result<bool, StoreError> {
        let is_told = self.query.filter.is_none()
            || self.scan.plan.is_some_and(|(plan, _)| plan.residual == Residual::Nothing);
        if is_told { Ok(true) } else { Ok(self.matching(candidate)?.is_some()) }
    }

    fn filter_holds(&self, document: &Value) -> bool {
        self.query.filter.as_ref().is_none_or(|filter| filter.matches(document))
    }

    fn parse(&self, document: &Document) -> Result<Value, StoreError> {
        serde_json::from_str(&document.body).map_err(|error| {
            StoreError::Corrupt(format!(
                "{}/{} does not read back: {error}",
                self.collection.name, document.id
            ))
        })
    }
}

fn cursor_id(cursor: &Cursor) -> Result<DocumentId, StoreError> {
    match &cursor.id {
        Value::Number(number) => number.as_u64().map(DocumentId::Number),
        Value::String(text) => Some(DocumentId::Text(text.clone())),
        _ => None,
    }
    .ok_or_else(|| StoreError::Invalid("a cursor has the id of no document".to_owned()))
}
