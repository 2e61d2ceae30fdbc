//! Excel workbooks: an input that is no archive is the sheet, then the shared texts, the styles and the workbook of one.
#![no_main]

use hone_fuzz::{archive, import_and_prepare};
use libfuzzer_sys::fuzz_target;

const DAMAGED: [&str; 4] = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"];
const PARTS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
    <Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
        Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
    <sheets><sheet name="Answers" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
    <Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
        Target="worksheets/sheet1.xml"/></Relationships>"#;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"PK\x03\x04") {
        return import_and_prepare("rows.xlsx", bytes);
    }
    let is_workbook_damaged = bytes.iter().filter(|&&byte| byte == 0).count() >= 3;
    let whole =
        [("_rels/.rels", PARTS), ("xl/_rels/workbook.xml.rels", RELATIONS), ("xl/workbook.xml", WORKBOOK)];
    let whole = &whole[..if is_workbook_damaged { 2 } else { 3 }];
    import_and_prepare("rows.xlsx", &archive(bytes, &DAMAGED, whole));
});
