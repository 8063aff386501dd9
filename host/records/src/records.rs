//! Reading and writing one record at a time.

use std::sync::Arc;

use mortise_model::clock::Clock;
use mortise_model::entity::EntityKind;
use mortise_model::error::FieldError;
use mortise_model::id::TenantId;
use mortise_store::{
    Batch, Conflict, DocumentId, Expect, Origin, Store, StoreError, StoreExt, Version, Write,
};

use crate::references::Wanted;
use crate::{Record, RecordError};

/// The platform's records in a store.
#[derive(Clone)]
pub struct Records {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Records {
    /// Records in `store`, dated by `clock`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Reads a record with its version.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] when the tenant has no such record.
    pub async fn read<R: Record>(&self, tenant: &TenantId, id: u64) -> Result<(R, Version), RecordError> {
        let found = self.store.load::<R>(tenant, id).await?;
        found.ok_or(RecordError::NotFound { kind: R::KIND, id })
    }

    /// Creates a record. `extra` happens in the same batch.
    ///
    /// # Errors
    /// [`RecordError::Refused`] with everything that is wrong.
    pub async fn create<R: Record>(
        &self,
        tenant: &TenantId,
        fields: R::Fields,
        origin: Origin,
        extra: Vec<Write>,
    ) -> Result<(R, Version), RecordError> {
        self.create_with(tenant, fields, origin, |_: &R| Ok(extra)).await
    }

    /// Creates a record. The writes that `extra` makes of the finished record happen in the same batch.
    ///
    /// # Errors
    /// [`RecordError::Refused`] with everything that is wrong.
    pub async fn create_with<R: Record>(
        &self,
        tenant: &TenantId,
        fields: R::Fields,
        origin: Origin,
        extra: impl FnOnce(&R) -> Result<Vec<Write>, StoreError> + Send,
    ) -> Result<(R, Version), RecordError> {
        let fields = self.checked::<R>(tenant, fields).await?;
        let id = self.store.reserve_numbers(tenant, R::KIND.name(), 1).await?;
        let record = R::new(id, fields, self.clock.now());
        let extra = extra(&record)?;
        let version = self.write(tenant, &record, Expect::Absent, origin, extra).await?;
        Ok((record, version))
    }

    /// Writes other fields to a record that was read at `version`. Fields that are the same change nothing.
    ///
    /// # Errors
    /// [`RecordError::Refused`] with everything that is wrong, [`RecordError::Changed`] when somebody was faster.
    pub async fn update<R: Record>(
        &self,
        tenant: &TenantId,
        record: R,
        version: Version,
        fields: R::Fields,
        origin: Origin,
    ) -> Result<(R, Version), RecordError> {
        let fields = self.checked::<R>(tenant, fields).await?;
        if *record.fields() == fields {
            return Ok((record, version));
        }
        let record = record.with_fields(fields, self.clock.now());
        let version = self.write(tenant, &record, Expect::At(version), origin, Vec::new()).await?;
        Ok((record, version))
    }

    async fn checked<R: Record>(
        &self,
        tenant: &TenantId,
        mut fields: R::Fields,
    ) -> Result<R::Fields, RecordError> {
        let mut problems = R::problems(&fields);
        let mut wanted = Wanted::default();
        wanted.note::<R>(&mut fields);
        let accounts = wanted.find(self.store.as_ref(), tenant, None).await?;
        problems.extend(accounts.resolve::<R>(&mut fields));
        if problems.is_empty() { Ok(fields) } else { Err(RecordError::Refused(problems)) }
    }

    async fn write<R: Record>(
        &self,
        tenant: &TenantId,
        record: &R,
        expect: Expect,
        origin: Origin,
        extra: Vec<Write>,
    ) -> Result<Version, RecordError> {
        let mut batch = Batch::new(tenant.clone(), origin, self.clock.now());
        batch.put(record, expect)?;
        batch.writes.extend(extra);
        match self.store.commit(batch).await {
            Ok(sequence) => Ok(Version(sequence.0)),
            Err(StoreError::Conflict(conflict)) => Err(explain_conflict::<R>(record.number(), conflict)),
            Err(error) => Err(error.into()),
        }
    }
}

fn explain_conflict<R: Record>(id: u64, conflict: Conflict) -> RecordError {
    match conflict {
        Conflict::NotUnique { collection, index: "code", id: other } if collection == R::COLLECTION.name => {
            RecordError::Refused(vec![not_unique(R::KIND, &other)])
        }
        Conflict::Document { collection, id: DocumentId::Number(number), .. }
            if collection == R::COLLECTION.name && number == id =>
        {
            RecordError::Changed { kind: R::KIND, id }
        }
        other => RecordError::Store(other.into()),
    }
}

/// Says that another record has the same code.
pub(crate) fn not_unique(kind: EntityKind, other: &DocumentId) -> FieldError {
    FieldError::new("/code", "not-unique", format!("{kind} {other} has the same code"))
}
