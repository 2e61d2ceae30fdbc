//! Arguments -> a window, or a terminal command.

fn main() {}
