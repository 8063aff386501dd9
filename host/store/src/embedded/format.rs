//! The format's number: a newer one is refused, an older one migrated.

use sled::Tree;

use super::codec::{number_value, read_number};
use super::{keys, of_sled};
use crate::StoreError;

/// What this version writes.
pub(super) const FORMAT: u32 = 1;

/// Makes the next format out of one. A step may be repeated after a crash.
type Migration = fn(&Tree) -> Result<(), StoreError>;

/// The step from each format to the next, beginning with format 1.
const MIGRATIONS: [Migration; FORMAT as usize - 1] = [];

/// Checks the format and migrates an older one. An empty tree gets this format.
pub(super) fn open(tree: &Tree) -> Result<(), StoreError> {
    let Some(value) = tree.get(keys::FORMAT).map_err(of_sled)? else {
        if tree.is_empty() {
            return write(tree, FORMAT);
        }
        return Err(StoreError::Corrupt("it has data, but no format: Mortise did not write it".to_owned()));
    };
    let found = u32::try_from(read_number(&value, "the number of the format")?).unwrap_or(u32::MAX);
    if found > FORMAT {
        return Err(StoreError::NewerFormat { found, supported: FORMAT });
    }
    for (format, migrate) in (1..).zip(MIGRATIONS) {
        if format >= found {
            tracing::info!(from = format, to = format + 1, "the store is migrated");
            migrate(tree)?;
            write(tree, format + 1)?;
        }
    }
    Ok(())
}

/// Writes the format's number.
pub(super) fn write(tree: &Tree, format: u32) -> Result<(), StoreError> {
    tree.insert(keys::FORMAT, number_value(format.into())).map_err(of_sled)?;
    tree.flush().map_err(of_sled)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> sled::Db {
        sled::Config::new().temporary(true).open().unwrap()
    }

    #[test]
    fn a_new_store_has_the_present_format() {
        let tree = tree();
        open(&tree).unwrap();
        open(&tree).unwrap();
        assert_eq!(tree.get(keys::FORMAT).unwrap().unwrap(), number_value(FORMAT.into()));
    }

    #[test]
    fn a_newer_format_is_refused() {
        let tree = tree();
        write(&tree, FORMAT + 1).unwrap();
        let error = open(&tree).unwrap_err();
        assert!(
            matches!(error, StoreError::NewerFormat { found, supported } if (found, supported) == (FORMAT + 1, FORMAT))
        );
    }

    #[test]
    fn data_without_a_format_is_refused() {
        let tree = tree();
        tree.insert("somebody's", "data").unwrap();
        assert!(matches!(open(&tree), Err(StoreError::Corrupt(_))));
    }
}
