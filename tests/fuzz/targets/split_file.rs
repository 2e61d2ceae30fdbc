//! The split that a project keeps, a Parquet file with RON in its metadata.
#![no_main]

use hone::storage::{SPLIT_FILE, read_split};
use hone_fuzz::written;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = written(SPLIT_FILE, bytes);
    _ = read_split(path.parent().expect("the file is in a folder"));
});
