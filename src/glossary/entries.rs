//! Tables of words with their explanations.

/// Defines an enum of things to explain, each with its title on screen and its explanation.
macro_rules! entries {
    ($(#[$doc:meta])* $name:ident { $($variant:ident: $title:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(
                #[doc = concat!("`", $title, "`")]
                $variant,
            )*
        }

        impl $name {
            /// All of them, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// What it is called on screen.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// What it means.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The one with this title, or with this plural.
            #[must_use]
            pub fn titled(title: &str) -> Option<Self> {
                let is_it = |entry: &Self| entry.title() == title || title.strip_suffix('s') == Some(entry.title());
                Self::ALL.iter().copied().find(is_it)
            }
        }
    };
}

pub(crate) use entries;
