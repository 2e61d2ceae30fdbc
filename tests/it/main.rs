//! Tests of Hone's public interfaces: one binary, with a module for each room.

#![allow(clippy::print_stdout, reason = "measurements print what they measured")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]
#![allow(clippy::format_push_string, reason = "what a test builds need not be fast")]

mod adapters;
mod architecture;
mod cli;
mod data;
mod evaluation;
mod export;
#[cfg(target_os = "linux")]
mod faults;
mod fetch;
mod gguf;
#[cfg(target_os = "linux")]
mod kills;
mod masked_lm;
mod model_folders;
mod models;
mod needs;
mod networks;
mod old_runs;
mod predictor;
mod real_files;
mod storage;
mod tiny_bert;
mod training;
mod weight_files;
#[cfg(target_os = "linux")]
mod window;
mod worker;
