//! Hone: a desktop studio for fine-tuning pre-trained models on your own data.
//!
//! The rooms, in the order data flows through them:

/// How messages write numbers, lists and texts.
pub mod words;
/// The terms of the field, explained.
pub mod glossary;
/// Progress, pausing and stopping of long work.
pub mod progress;
/// Desktop notifications.
pub mod notification;
/// Seeded random numbers.
pub mod random;
/// Charts as plain data, and their pictures.
pub mod chart;
/// A project's settings and edits, as plain data.
pub mod project;
/// Data: reading files, preparing rows, findings, tokens and batches.
pub mod data;
/// Differentiable tensor operations.
pub mod ops;
/// Pre-trained networks: layers, weights, loading and saving.
pub mod models;
/// Metrics, baselines and confidence intervals.
pub mod evaluation;
/// Project files, runs, caches, settings: the only room that writes files.
pub mod storage;
/// The catalogue of models, and their download.
pub mod fetch;
/// What a model is trained to do, with one file for each task.
pub mod tasks;
/// Fine-tuning a model on prepared rows.
pub mod training;
/// A loaded model that predicts, for Try it, predictions of files and the verification of exports.
pub mod predictor;
/// Verified exports of trained models for other tools.
pub mod export;
/// The worker thread and the jobs it runs.
pub mod worker;
/// The terminal.
pub mod cli;
/// The window.
pub mod app;
