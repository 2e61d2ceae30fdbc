//! Hone through its front doors: one binary, a module a room.

mod architecture;
mod export;
mod fetch;
mod models;
mod storage;
mod training;
mod worker;
