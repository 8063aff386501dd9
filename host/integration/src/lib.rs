//! Connectors, instances, push and pull, tests and reports.
