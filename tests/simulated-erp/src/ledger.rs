//! The books: every customer and invoice, and the rules by which they change.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use axum::body::Bytes;
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use serde_json::{Map, Value};

use crate::{
    config::Config,
    customer::Customer,
    generate::Generator,
    invoice::Invoice,
    moment::Moment,
    record::{FieldError, Record},
    shelf::{Creation, MAX_RECORDS, Shelf, Shelved, key_of},
};

/// What the server manages; a request may send these back, and they are ignored.
const MANAGED_FIELDS: [&str; 3] = ["revision", "updatedAt", "createdAt"];

/// The books, shared by every request.
#[derive(Debug)]
pub(crate) struct Ledger {
    generator: Generator,
    customers_at_start: u32,
    invoices_at_start: u32,
    books: RwLock<Books>,
}

/// Everything that changes together.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) customers: Shelf<Customer>,
    pub(crate) invoices: Shelf<Invoice>,
    pub(crate) rng: Xoshiro256PlusPlus,
    last_change: Moment,
}

/// What came of a create request.
#[derive(Clone, Debug)]
pub(crate) enum Created {
    /// A new record of that number.
    New(String, Shelved),
    /// The record that an earlier request with the same idempotency key made, as it is now.
    Replayed(String, Shelved),
}

/// A state of the record that a change depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// The record exists.
    Exists,
    /// The record has this revision.
    Revision(u32),
}

/// How a change treats the fields that it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// They take their defaults.
    Replace,
    /// They stay; null removes one (RFC 7396).
    Merge,
}

/// Why the ledger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    #[error("there is no {kind} `{key}`")]
    NotFound { kind: &'static str, key: String },
    #[error("the record is at revision {current}, not {expected}; read it again and repeat the change")]
    RevisionMismatch { expected: u32, current: u32 },
    #[error("{0}")]
    Locked(&'static str),
    #[error("the {kind} breaks {} of the ledger's rules", .errors.len())]
    Invalid { kind: &'static str, errors: Vec<FieldError> },
    #[error("this Idempotency-Key came before with another body; take a new key for a new record")]
    KeyReused,
    #[error("the ledger holds {MAX_RECORDS} records of this kind and takes no more")]
    Full,
    #[error("the record could not be written as JSON: {0}")]
    Encoding(#[from] serde_json::Error),
}

impl Ledger {
    pub(crate) fn new(config: &Config) -> Result<Self, LedgerError> {
        let generator = Generator::new(config.seed);
        let books = Books::generate(generator, config.customers, config.invoices)?;
        Ok(Self {
            generator,
            customers_at_start: config.customers,
            invoices_at_start: config.invoices,
            books: RwLock::new(books),
        })
    }

    /// Puts the books back to how they were at the start.
    pub(crate) fn reset(&self) -> Result<(), LedgerError> {
        let fresh = Books::generate(self.generator, self.customers_at_start, self.invoices_at_start)?;
        *self.write() = fresh;
        Ok(())
    }

    pub(crate) fn generator(&self) -> Generator {
        self.generator
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Books> {
        self.books.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Books> {
        self.books.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn generate(generator: Generator, customers: u32, invoices: u32) -> Result<Self, LedgerError> {
        Ok(Self {
            customers: Shelf::filled((1..=customers).map(|position| generator.customer(position)))?,
            invoices: Shelf::filled((1..=invoices).map(|position| generator.invoice(position, customers)))?,
            rng: Xoshiro256PlusPlus::seed_from_u64(generator.seed()),
            last_change: Moment::now().max(Generator::end_of_history()),
        })
    }

    /// The time of a change made now: never before an earlier change, even when the system clock steps back.
    pub(crate) fn tick(&mut self) -> Moment {
        self.last_change = self.last_change.max(Moment::now());
        self.last_change
    }

    /// The record of that number.
    pub(crate) fn get<R: Record>(&self, key: &str) -> Result<&Shelved, LedgerError> {
        R::shelf(self).get(key).ok_or_else(|| LedgerError::NotFound { kind: R::KIND, key: key.to_owned() })
    }

    /// Makes a record; a repeated idempotency key answers with what it made the first time.
    pub(crate) fn create<R: Record>(
        &mut self,
        body: Map<String, Value>,
        idempotency_key: Option<&str>,
    ) -> Result<Created, LedgerError> {
        let digest = digest_of(&body);
        if let Some(creation) = idempotency_key.and_then(|key| R::shelf(self).creation(key)) {
            if creation.digest != digest {
                return Err(LedgerError::KeyReused);
            }
            let key = creation.key.clone();
            let shelved = self.get::<R>(&key)?.clone();
            return Ok(Created::Replayed(key, shelved));
        }
        let position = R::shelf(self).next_position().ok_or(LedgerError::Full)?;
        let key = key_of::<R>(position);
        let now = self.tick();
        let record: R = self.accept(body, &key, 1, now, now)?;
        let shelved = R::shelf_mut(self).append(&record)?;
        if let Some(idempotency_key) = idempotency_key {
            let creation = Creation { digest, key: key.clone() };
            R::shelf_mut(self).remember(idempotency_key, creation);
        }
        Ok(Created::New(key, shelved))
    }

    /// Changes the record of that number.
    pub(crate) fn change<R: Record>(
        &mut self,
        key: &str,
        mut body: Map<String, Value>,
        change: Change,
        precondition: Precondition,
    ) -> Result<Shelved, LedgerError> {
        let shelved = self.changeable::<R>(key, precondition)?;
        let mut current: Value = serde_json::from_slice(&shelved.json)?;
        let revision = shelved.revision.saturating_add(1);
        let created_at = serde_json::from_value(current["createdAt"].clone())?;
        if change == Change::Merge {
            for field in MANAGED_FIELDS {
                body.remove(field);
            }
            json_patch::merge(&mut current, &Value::Object(body));
            body = match current {
                Value::Object(merged) => merged,
                _ => Map::new(),
            };
        }
        let now = self.tick();
        let record: R = self.accept(body, key, revision, now, created_at)?;
        Ok(R::shelf_mut(self).replace(key, &record)?)
    }

    /// Deletes the record of that number.
    pub(crate) fn remove<R: Record>(
        &mut self,
        key: &str,
        precondition: Precondition,
    ) -> Result<(), LedgerError> {
        let shelved = self.get::<R>(key)?;
        precondition.check(shelved)?;
        let now = self.tick();
        R::shelf_mut(self).bury(key, now);
        Ok(())
    }

    fn changeable<R: Record>(&self, key: &str, precondition: Precondition) -> Result<&Shelved, LedgerError> {
        let shelved = self.get::<R>(key)?;
        precondition.check(shelved)?;
        let record: R = serde_json::from_slice(&shelved.json)?;
        match record.locked() {
            Some(reason) => Err(LedgerError::Locked(reason)),
            None => Ok(shelved),
        }
    }

    /// Makes a record of a request's body, or says everything that is wrong with it.
    fn accept<R: Record>(
        &self,
        mut body: Map<String, Value>,
        key: &str,
        revision: u32,
        updated_at: Moment,
        created_at: Moment,
    ) -> Result<R, LedgerError> {
        let invalid = |errors| LedgerError::Invalid { kind: R::KIND, errors };
        if let Some(given) = body.insert(R::KEY_FIELD.to_owned(), Value::from(key))
            && given != key
        {
            return Err(invalid(vec![FieldError {
                field: R::KEY_FIELD.to_owned(),
                message: format!("is {given}; the ledger assigns numbers, leave it out or send \"{key}\""),
            }]));
        }
        body.insert("revision".to_owned(), Value::from(revision));
        body.insert("updatedAt".to_owned(), Value::from(updated_at.to_string()));
        body.insert("createdAt".to_owned(), Value::from(created_at.to_string()));
        let record: R = serde_path_to_error::deserialize(Value::Object(body)).map_err(|error| {
            invalid(vec![FieldError { field: error.path().to_string(), message: error.inner().to_string() }])
        })?;
        let mut errors = record.check();
        errors.extend(record.check_references(self));
        if errors.is_empty() { Ok(record) } else { Err(invalid(errors)) }
    }
}

impl Precondition {
    fn check(self, shelved: &Shelved) -> Result<(), LedgerError> {
        match self {
            Self::Revision(expected) if expected != shelved.revision => {
                Err(LedgerError::RevisionMismatch { expected, current: shelved.revision })
            }
            Self::Revision(_) | Self::Exists => Ok(()),
        }
    }
}

/// Of the body as the ledger reads it, so that the order of fields and white space do not matter.
fn digest_of(body: &Map<String, Value>) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// The records of one kind, parsed, in the order of numbers.
pub(crate) fn parsed<R: Record>(jsons: impl Iterator<Item = Bytes>) -> Result<Vec<R>, serde_json::Error> {
    jsons.map(|json| serde_json::from_slice(&json)).collect()
}
