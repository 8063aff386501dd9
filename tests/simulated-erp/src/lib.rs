//! A third-party ERP with a real HTTP interface, for the demo and the tests.
