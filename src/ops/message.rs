//! What tensor errors say to a person.

use candle_core::Error;

/// The message of a tensor error, without the call stack that it carries if `RUST_BACKTRACE` is set.
#[must_use]
pub fn message(error: &Error) -> String {
    match error {
        Error::WithBacktrace { inner, .. } => message(inner),
        Error::Context { inner, context } => format!("{context}: {}", message(inner)),
        Error::WithPath { inner, path } => format!("{}: {}", path.display(), message(inner)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_stack_is_left_out() {
        let backtrace = || Box::new(std::backtrace::Backtrace::force_capture());
        let inner =
            Error::WithBacktrace { inner: Box::new(Error::Msg("too short".to_owned())), backtrace: backtrace() };
        assert!(inner.to_string().lines().count() > 1, "{inner}");
        assert_eq!(message(&inner), "too short");
        let placed = Error::WithBacktrace { inner: Box::new(inner.with_path("a.gguf")), backtrace: backtrace() };
        assert_eq!(message(&placed), "a.gguf: too short");
        let context = Error::Context { inner: Box::new(placed), context: Box::new("tensor w") };
        assert_eq!(message(&context), "tensor w: a.gguf: too short");
    }
}
