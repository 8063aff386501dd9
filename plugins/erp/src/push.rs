//! Pushing: one record at a time, each with an outcome of its own.

use mortise_sdk::connector::push_each;
use mortise_sdk::context;
use mortise_sdk::prelude::*;

use crate::ledger::{Record, Removal};
use crate::{BrindleLedger, Pair};

/// How often a record is read and written again when someone else wrote it in between.
const ATTEMPTS: u32 = 3;

/// Pushes a batch.
pub(crate) fn push<P: Pair>(connector: &BrindleLedger, items: Vec<PushItem>) -> Result<Vec<PushResult>> {
    let push = Push { connector, call: context::current() };
    push_each(items, |item| match (&item.operation, &item.external_id) {
        (Operation::Create, _) | (Operation::Update, None) => push.create::<P>(item),
        (Operation::Update, Some(number)) => push.update::<P>(item, number),
        (Operation::Delete, Some(number)) => push.remove::<P>(number),
        (Operation::Delete, None) => Ok(Outcome::skipped("the ledger never had it")),
    })
}

struct Push<'a> {
    connector: &'a BrindleLedger,
    call: context::Call,
}

impl Push<'_> {
    fn create<P: Pair>(&self, item: &PushItem) -> Result<Outcome> {
        let object: P::Object = item.read()?;
        if let Some(why) = P::out_of_scope(&object) {
            return Ok(Outcome::skipped(why));
        }
        let ledger = &self.connector.ledger;
        let reference = self.reference(&item.id);
        if item.may_have_arrived()
            && let Some(found) = ledger.find::<P::Record>(&reference)?
        {
            let number = found.number().to_owned();
            info!("an earlier attempt had arrived", record = item.id, number = number);
            return self.update::<P>(item, &number);
        }
        let draft = P::to_ledger(object, None, &self.connector.settings)?;
        if self.call.dry_run {
            return Ok(Outcome::skipped("dry run: it would be created"));
        }
        let created: P::Record = ledger.create(&draft, &reference, &item.idempotency_key, P::pointer)?;
        Ok(Outcome::stored(created.number()))
    }

    fn update<P: Pair>(&self, item: &PushItem, number: &str) -> Result<Outcome> {
        let mut outcome = self.update_once::<P>(item, number);
        for _ in 1..ATTEMPTS {
            match outcome {
                Err(Error::Conflict(_)) => outcome = self.update_once::<P>(item, number),
                other => return other,
            }
        }
        outcome
    }

    fn update_once<P: Pair>(&self, item: &PushItem, number: &str) -> Result<Outcome> {
        let object: P::Object = item.read()?;
        if let Some(why) = P::out_of_scope(&object) {
            return Ok(Outcome::skipped(why));
        }
        let ledger = &self.connector.ledger;
        let Some(current) = ledger.read::<P::Record>(number)? else {
            return Err(Error::NotFound(format!("the ledger has no {number} any more")));
        };
        let draft = P::to_ledger(object, Some(&current), &self.connector.settings)?;
        if draft == P::held(&current) {
            return Ok(Outcome::stored_with_note(number, "the ledger held it already"));
        }
        if let Some(why) = current.locked() {
            return Err(Error::failed("locked", format!("{number}: {why}")));
        }
        if self.call.dry_run {
            return Ok(Outcome::skipped("dry run: it would be changed"));
        }
        let changed: P::Record = ledger.change(number, current.revision(), &draft, P::pointer)?;
        Ok(Outcome::stored(changed.number()))
    }

    fn remove<P: Pair>(&self, number: &str) -> Result<Outcome> {
        if self.call.dry_run {
            return Ok(Outcome::skipped("dry run: it would be removed"));
        }
        Ok(match self.connector.ledger.remove::<P::Record>(number)? {
            Removal::Done => Outcome::stored(number),
            Removal::NothingThere => Outcome::stored_with_note(number, "it was gone already"),
        })
    }

    /// The reference under which the ledger keeps a record of the platform, so that it can be found again.
    fn reference(&self, id: &str) -> String {
        format!("{}/{id}", self.call.instance)
    }
}
