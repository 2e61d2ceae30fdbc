//! Hone through its front doors: one binary, a module a room.

mod fetch;
mod storage;
mod worker;
