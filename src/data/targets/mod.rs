//! What the model is to predict of a row: what belongs to a shape of target is in a file of its own.

pub mod classes;
pub mod label_checks;

/// What the model is to predict of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// Nothing but the text itself, which a language model learns from.
    #[default]
    None,
    /// A class: an index into [`crate::data::Prepared::labels`].
    Class(u32),
}

impl Target {
    /// The class, where that is the target.
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
