//! The help of every command.

use insta::assert_snapshot;

use crate::cli::Place;

#[test]
fn help_of_hone() {
    assert_snapshot!(Place::new().terminal("hone --help"), @"");
}

#[test]
fn help_of_new() {
    assert_snapshot!(Place::new().terminal("hone new --help"), @"");
}

#[test]
fn help_of_train() {
    assert_snapshot!(Place::new().terminal("hone train --help"), @"");
}

#[test]
fn help_of_evaluate() {
    assert_snapshot!(Place::new().terminal("hone evaluate --help"), @"");
}

#[test]
fn help_of_predict() {
    assert_snapshot!(Place::new().terminal("hone predict --help"), @"");
}

#[test]
fn help_of_export() {
    assert_snapshot!(Place::new().terminal("hone export --help"), @"");
}

#[test]
fn help_of_inspect() {
    assert_snapshot!(Place::new().terminal("hone inspect --help"), @"");
}

#[test]
fn help_of_models_and_runs() {
    assert_snapshot!(
        Place::new().terminal(
            "
            hone models --help
            hone models list --help
            hone models fetch --help
            hone runs --help
            "
        ),
        @""
    );
}

#[test]
fn help_of_bench() {
    assert_snapshot!(
        Place::new().terminal(
            "
            hone bench --help
            hone bench step --help
            hone bench tokenise --help
            "
        ),
        @""
    );
}
