//! Hone through its front doors: one binary, a module a room.

mod storage;
mod worker;
