//! Hone through its front doors: one binary, a module a room.

mod fetch;
mod models;
mod storage;
mod worker;
