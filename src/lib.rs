//! Hone: a desktop studio for fine-tuning pre-trained models on your own data.
//!
//! The rooms, in the order data flows through them:

/// Numbers, lists and texts in the words of messages.
pub mod words;
/// How long work is watched, paused and stopped.
pub mod progress;
/// Seeded random numbers.
pub mod random;
/// What a person decides: plain data.
pub mod project;
/// Files -> rows -> cleaned -> split -> tokens -> batches.
pub mod data;
/// Differentiable tensor operations.
pub mod ops;
/// Pre-trained networks: layers, weights, loading and saving.
pub mod models;
/// How good a model is.
pub mod evaluation;
/// Project files, runs, caches, settings: the only room that writes files.
pub mod storage;
/// The catalogue of models, and how they come onto this machine.
pub mod fetch;
/// What a model is trained to do: one file a task.
pub mod tasks;
/// Fine-tuning a model on prepared rows.
pub mod training;
/// A loaded model that answers inputs: Try it, predict and the proof of an export share it.
pub mod predictor;
/// Trained models as others can use them, each proven.
pub mod export;
/// The worker thread and the jobs it runs.
pub mod worker;
/// The terminal.
pub mod cli;
/// The window.
pub mod app;
