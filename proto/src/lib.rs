//! The contract of Deadwax: messages and services generated from the `.proto` files beside this crate. The comments in those files
//! are the API manual. Never logic: conversion to the words of the domain lives in the server's `wire/`.

/// What clients and servers say to each other.
pub mod v1 {
    #![allow(clippy::all, clippy::large_futures)]
    tonic::include_proto!("deadwax.v1");
}

/// What the ledger stores. Field numbers are for ever; golden files guard them.
pub mod ledger {
    pub mod v1 {
        #![allow(clippy::all)]
        tonic::include_proto!("deadwax.ledger.v1");
    }
}

/// The compiled descriptors, for the reflection service.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/deadwax.bin"));

/// The protocol that these files describe. A server tells the range that it still understands.
pub const API: u32 = 1;
