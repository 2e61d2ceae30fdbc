//! OpenDocument sheets: an input that is no archive is the content of one, and its settings.
#![no_main]

use hone_fuzz::{archive, import_and_prepare};
use libfuzzer_sys::fuzz_target;

const MIME: (&str, &str) = ("mimetype", "application/vnd.oasis.opendocument.spreadsheet");

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK\x03\x04") {
        return import_and_prepare("rows.ods", bytes);
    }
    import_and_prepare("rows.ods", &archive(bytes, &["content.xml", "META-INF/manifest.xml"], &[MIME]));
});
