//! Word documents: an input that is no archive is the text of one, and its list of parts.
#![no_main]

use hone_fuzz::{archive, import_document};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK\x03\x04") {
        return import_document("letter.docx", bytes);
    }
    import_document("letter.docx", &archive(bytes, &["word/document.xml", "_rels/.rels"], &[]));
});
