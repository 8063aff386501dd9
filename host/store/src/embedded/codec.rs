//! How values are written as bytes.

use mortise_model::id::{InstanceId, JobId};
use sled::IVec;

use crate::{DocumentId, StoreError, Version};

/// Marks an id that is a text. An id that is a number starts with how many bytes it has, which is less.
const TEXT_ID: u8 = 0x10;

/// Appends a whole number, 7 bits a byte, the least first (LEB128). No encoding is the beginning of another.
pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a document's id. Ids compare as their bytes do.
pub(super) fn put_id(out: &mut Vec<u8>, id: &DocumentId) {
    match id {
        DocumentId::Number(number) => {
            let bytes = number.to_be_bytes();
            let significant =
                bytes.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &bytes[first..]);
            out.push(u8::try_from(significant.len()).unwrap_or(8));
            out.extend_from_slice(significant);
        }
        DocumentId::Text(text) => {
            out.push(TEXT_ID);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// The bytes of a document's id.
pub(super) fn id_bytes(id: &DocumentId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(9);
    put_id(&mut bytes, id);
    bytes
}

/// Reads a document's id that takes all of `bytes`.
pub(super) fn read_id(bytes: &[u8]) -> Result<DocumentId, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("{} is not the id of a document", hex::encode(bytes)));
    let (first, rest) = bytes.split_first().ok_or_else(corrupt)?;
    if *first == TEXT_ID {
        return String::from_utf8(rest.to_vec()).map(DocumentId::Text).map_err(|_| corrupt());
    }
    if usize::from(*first) != rest.len() || rest.len() > 8 {
        return Err(corrupt());
    }
    Ok(DocumentId::Number(rest.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))))
}

/// The bytes of a stored document: its version, then its body.
pub(super) fn document_value(version: Version, body: &str) -> Vec<u8> {
    let mut value = Vec::with_capacity(body.len() + 6);
    put_varint(&mut value, version.0);
    value.extend_from_slice(body.as_bytes());
    value
}

/// Reads a stored document.
pub(super) fn read_document(value: &[u8]) -> Result<(Version, &str), StoreError> {
    let mut reader = Reader::new(value, "a document");
    let version = Version(reader.varint()?);
    let body = std::str::from_utf8(reader.rest())
        .map_err(|error| StoreError::Corrupt(format!("a document is not text: {error}")))?;
    Ok((version, body))
}

/// The value of an index entry. What must be unique has the document's id for its value; otherwise the id is the end
/// of the key, and the value tells how long it is.
pub(super) enum EntryValue {
    /// The document is this.
    Unique(DocumentId),
    /// The document's id is so many bytes at the end of the key.
    Repeating(usize),
}

/// The value of an entry that must be unique.
pub(super) fn unique_entry(id: &[u8]) -> Vec<u8> {
    let mut value = vec![0];
    value.extend_from_slice(id);
    value
}

/// The value of an entry that may repeat.
pub(super) fn repeating_entry(id: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(2);
    put_varint(&mut value, id.len() as u64);
    value
}

/// Reads the value of an index entry.
pub(super) fn read_entry(value: &[u8]) -> Result<EntryValue, StoreError> {
    let mut reader = Reader::new(value, "an index entry");
    match reader.varint()? {
        0 => Ok(EntryValue::Unique(read_id(reader.rest())?)),
        length => Ok(EntryValue::Repeating(usize::try_from(length).unwrap_or(usize::MAX))),
    }
}

/// The 16 bytes of an id that the host made.
pub(super) fn made_id(text: &str) -> Result<[u8; 16], StoreError> {
    let mut bytes = [0; 16];
    text.split_once('_')
        .and_then(|(_, digits)| hex::decode_to_slice(digits, &mut bytes).ok())
        .ok_or_else(|| StoreError::Invalid(format!("`{text}` is not an id that the host made")))?;
    Ok(bytes)
}

/// The job whose id has these bytes.
pub(super) fn job_id(bytes: [u8; 16]) -> Result<JobId, StoreError> {
    let text = format!("{}_{}", JobId::PREFIX, hex::encode(bytes));
    text.parse().map_err(|error| StoreError::Corrupt(format!("the id of a job does not read back: {error}")))
}

/// The instance whose id has these bytes.
pub(super) fn instance_id(bytes: [u8; 16]) -> Result<InstanceId, StoreError> {
    let text = format!("{}_{}", InstanceId::PREFIX, hex::encode(bytes));
    text.parse()
        .map_err(|error| StoreError::Corrupt(format!("the id of an instance does not read back: {error}")))
}

/// Reads a value that is one whole number.
pub(super) fn read_number(value: &IVec, what: &'static str) -> Result<u64, StoreError> {
    Reader::new(value, what).varint()
}

/// The bytes of one whole number.
pub(super) fn number_value(number: u64) -> Vec<u8> {
    let mut value = Vec::with_capacity(4);
    put_varint(&mut value, number);
    value
}

/// Takes values off the front of bytes.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which are `what`.
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, what }
    }

    /// The next whole number.
    pub(super) fn varint(&mut self) -> Result<u64, StoreError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.corrupt())
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, StoreError> {
        let (first, rest) = self.bytes.split_first().ok_or_else(|| self.corrupt())?;
        self.bytes = rest;
        Ok(*first)
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(|| self.corrupt())?;
        self.bytes = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.take(N)?.try_into().map_err(|_| self.corrupt())
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    fn corrupt(&self) -> StoreError {
        StoreError::Corrupt(format!("{} is not as it was written", self.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id() -> impl Strategy<Value = DocumentId> {
        prop_oneof![
            any::<u64>().prop_map(DocumentId::Number),
            (0_u64..300).prop_map(DocumentId::Number),
            ".{1,5}".prop_map(DocumentId::Text),
        ]
    }

    proptest! {
        #[test]
        fn ids_compare_as_their_bytes_and_read_back(left in id(), right in id()) {
            let (left_bytes, right_bytes) = (id_bytes(&left), id_bytes(&right));
            prop_assert_eq!(left.cmp(&right), left_bytes.cmp(&right_bytes));
            prop_assert_eq!(read_id(&left_bytes).unwrap(), left);
        }

        #[test]
        fn whole_numbers_read_back(number in any::<u64>()) {
            prop_assert_eq!(Reader::new(&number_value(number), "a number").varint().unwrap(), number);
        }

        #[test]
        fn bytes_that_nobody_wrote_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let _ = read_document(&bytes);
            let _ = read_entry(&bytes);
            let _ = read_id(&bytes);
        }
    }
}
