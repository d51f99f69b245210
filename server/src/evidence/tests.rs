//! What the papers say, without a shell. The whole is run in server/tests/evidence.rs.
