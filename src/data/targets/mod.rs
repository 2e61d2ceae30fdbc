//! What a model is to predict for a row. Each kind of target has its own module.

pub mod classes;
pub mod label_checks;
pub mod spelling;

/// What a model is to predict for a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// Nothing but the text itself: a language model learns from it.
    #[default]
    None,
    /// A class: an index into [`crate::data::Prepared::labels`].
    Class(u32),
}

impl Target {
    /// The class, if that is the target.
    #[must_use]
    pub fn class(self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::Class(class) => Some(class),
        }
    }

    /// The stratum of a stratified split: the class, or one stratum for all.
    #[must_use]
    pub fn stratum(self) -> u32 {
        self.class().unwrap_or_default()
    }
}
