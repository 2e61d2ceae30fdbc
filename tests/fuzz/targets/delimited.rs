//! CSV, TSV and other delimited text.
#![no_main]

use hone_fuzz::import_and_prepare;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| import_and_prepare("rows.csv", bytes));
