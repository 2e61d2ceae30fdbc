//! The terms that the window and reports use, explained in one place.

mod entries;
mod terms;

pub(crate) use entries::entries;
pub use terms::Term;
