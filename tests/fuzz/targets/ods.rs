//! OpenDocument sheets: an input that is no archive is the content of one, and perhaps its list of parts.
#![no_main]

use hone_fuzz::{archive, import_and_prepare};
use libfuzzer_sys::fuzz_target;

const MIME: (&str, &str) = ("mimetype", "application/vnd.oasis.opendocument.spreadsheet");

const MANIFEST: (&str, &str) = (
    "META-INF/manifest.xml",
    r#"<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
        <manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"#,
);

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK\x03\x04") {
        return import_and_prepare("rows.ods", bytes);
    }
    let whole: &[_] = if bytes.contains(&0) { &[MIME] } else { &[MIME, MANIFEST] };
    import_and_prepare("rows.ods", &archive(bytes, &["content.xml", MANIFEST.0], whole));
});
