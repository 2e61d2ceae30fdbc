//! Word documents: the text of a `.docx` file.
//!
//! Source of the names: ECMA-376, "Office Open XML File Formats", part 1, 17.3 (paragraphs and runs) and 17.4 (tables).

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};
use zip::ZipArchive;

/// The largest file that is read, in bytes: pictures can be large, text is not.
const MOST_BYTES: u64 = 512 << 20;
/// The largest text, in bytes: a thousand pages have 3 MiB.
const MOST_TEXT: usize = 16 << 20;
/// The largest XML that the text may be unpacked from, in bytes, so that a small archive cannot take all memory.
const MOST_XML: u64 = 128 << 20;
/// The same limit for the list of a file's parts.
const MOST_PARTS: u64 = 1 << 20;
/// Where Word keeps the text, unless the list of parts says otherwise.
const DOCUMENT: &str = "word/document.xml";
/// Elements whose content is not text of the document: settings, text that was deleted or moved away, the second of two
/// versions of the same drawing, and phonetic readings above characters.
const SKIPPED: [&str; 10] = ["pPr", "rPr", "sectPr", "tblPr", "trPr", "tcPr", "del", "moveFrom", "Fallback", "rt"];

/// The text of a Word document, and the size of its file in bytes. Each paragraph is a line; each row of a table is a
/// line, with tabs between its cells.
///
/// # Errors
/// Says why it cannot be read, as a sentence without a full stop.
pub(super) fn read(path: &Path) -> Result<(String, u64), String> {
    let unreadable = |error: std::io::Error| format!("It could not be read: {error}");
    let size = std::fs::metadata(path).map_err(unreadable)?;
    if !size.is_file() {
        return Err("It is not a file".to_owned());
    }
    if size.len() > MOST_BYTES {
        return Err(format!("It is larger than {} MiB", MOST_BYTES >> 20));
    }
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    if file.fill_buf().map_err(unreadable)?.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err("It has a password or is an old Word document. Save it as .docx without a password".to_owned());
    }
    let mut archive = ZipArchive::new(file).map_err(|error| format!("It is not a Word document: {error}"))?;
    let name = main_part(&mut archive).unwrap_or_else(|| DOCUMENT.to_owned());
    let part = archive.by_name(&name).map_err(|error| format!("It is not a Word document: {error}"))?;
    Ok((text_of(BufReader::new(part.take(MOST_XML)))?, size.len()))
}

/// The part that holds the text.
fn main_part(archive: &mut ZipArchive<impl Read + Seek>) -> Option<String> {
    let parts = archive.by_name("_rels/.rels").ok()?;
    let mut reader = Reader::from_reader(BufReader::new(parts.take(MOST_PARTS)));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let (Event::Start(part) | Event::Empty(part)) = (match reader.read_event_into(&mut buffer).ok()? {
            Event::Eof => return None,
            event => event,
        }) else {
            continue;
        };
        let value = |name| Some(part.try_get_attribute(name).ok()??.value.into_owned());
        if value("Type").is_some_and(|kind| kind.ends_with("/officeDocument")) {
            return Some(value("Target")?.trim_start_matches('/').to_owned());
        }
    }
}

/// The text in the XML of a document's main part.
fn text_of(xml: BufReader<std::io::Take<impl Read>>) -> Result<String, String> {
    let mut reader = Reader::from_reader(xml);
    let mut document = Document::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break,
            Ok(event) => document.take(&event)?,
            Err(error) if reader.get_ref().get_ref().limit() > 0 => return Err(format!("It is damaged: {error}")),
            Err(_) => break,
        }
    }
    if reader.get_ref().get_ref().limit() == 0 {
        return Err(format!("Its text takes more than {} MiB of XML", MOST_XML >> 20));
    }
    if document.depth > 0 {
        return Err("It is damaged: its end is missing".to_owned());
    }
    Ok(document.text.trim_matches(['\n', ' ']).to_owned())
}

/// State while a document is read.
#[derive(Default)]
struct Document {
    text: String,
    /// Number of open elements.
    depth: usize,
    /// Open elements that are skipped or within a skipped one.
    skipped: usize,
    /// Open elements whose characters are text.
    texts: usize,
    /// Open table cells: in a cell, a paragraph does not end the line.
    cells: usize,
}

impl Document {
    fn take(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(start) => self.begin(start.local_name().as_ref())?,
            Event::Empty(start) => {
                let name = start.local_name();
                self.begin(name.as_ref())?;
                self.end(name.as_ref());
            }
            Event::End(end) => self.end(end.local_name().as_ref()),
            Event::Text(text) if self.is_text() => self.text.push_str(&text.xml10_content()),
            Event::CData(text) if self.is_text() => self.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) if self.is_text() => self.push_reference(reference),
            _ => {}
        }
        if self.text.len() > MOST_TEXT {
            return Err(format!("Its text is longer than {} MiB", MOST_TEXT >> 20));
        }
        Ok(())
    }

    fn is_text(&self) -> bool {
        self.texts > 0 && self.skipped == 0
    }

    fn begin(&mut self, name: &str) -> Result<(), String> {
        if self.depth == 0 && name != "document" {
            return Err("It is not a Word document".to_owned());
        }
        self.depth += 1;
        if self.skipped > 0 || SKIPPED.contains(&name) {
            self.skipped += 1;
            return Ok(());
        }
        match name {
            "t" => self.texts += 1,
            "tc" => self.cells += 1,
            "tab" => self.text.push('\t'),
            "br" | "cr" => self.text.push('\n'),
            "noBreakHyphen" => self.text.push('-'),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        match name {
            "t" => self.texts = self.texts.saturating_sub(1),
            "p" => self.text.push(if self.cells > 0 { ' ' } else { '\n' }),
            "tc" => {
                self.cells = self.cells.saturating_sub(1);
                self.end_part(if self.cells > 0 { ' ' } else { '\t' });
            }
            "tr" => self.end_part(if self.cells > 0 { ' ' } else { '\n' }),
            _ => {}
        }
    }

    /// Ends a cell or a row, without the separator that follows its last part.
    fn end_part(&mut self, mark: char) {
        let kept = match mark {
            '\t' => self.text.trim_end_matches(' ').len(),
            _ => self.text.trim_end_matches([' ', '\t']).len(),
        };
        self.text.truncate(kept);
        self.text.push(mark);
    }

    fn push_reference(&mut self, reference: &BytesRef<'_>) {
        match reference.resolve_char_ref() {
            Ok(Some(character)) => self.text.push(character),
            // Word writes no other entities, and the expansion of others may be of any size.
            Ok(None) => self.text.push_str(resolve_predefined_entity(reference).unwrap_or_default()),
            Err(_) => self.text.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// A file with these parts.
    fn archive(parts: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = ZipWriter::new(file.reopen().unwrap());
        for (name, bytes) in parts {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    fn read_body(body: &str) -> Result<String, String> {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<w:document xmlns:w=\"w\"><w:body>{body}\
             <w:sectPr><w:t>no</w:t></w:sectPr></w:body></w:document>"
        );
        read(archive(&[(DOCUMENT, xml.as_bytes())]).path()).map(|(text, _)| text)
    }

    #[test]
    fn paragraphs_are_lines_and_settings_are_not_text() {
        let body = "<w:p><w:pPr><w:tabs><w:tab w:pos=\"9\"/></w:tabs></w:pPr><w:r><w:t xml:space=\"preserve\">The </w:t>\
                    </w:r><w:r><w:rPr><w:b/></w:rPr><w:t>Lessee &amp; the Lessor&#8217;s&#x20;heirs</w:t></w:r></w:p><w:p/>\
                    <w:p><w:r><w:t>1.</w:t><w:tab/><w:t>Rent</w:t><w:br/><w:t>is due</w:t></w:r></w:p>";
        assert_eq!(read_body(body).unwrap(), "The Lessee & the Lessor’s heirs\n\n1.\tRent\nis due");
    }

    #[test]
    fn deleted_and_moved_text_is_not_read_and_inserted_text_is() {
        let body = "<w:p><w:del><w:r><w:delText>old</w:delText><w:t>old</w:t></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r>\
                    </w:ins><w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom></w:p><mc:AlternateContent><mc:Choice><w:p>\
                    <w:t>box</w:t></w:p></mc:Choice><mc:Fallback><w:p><w:t>box</w:t></w:p></mc:Fallback>\
                    </mc:AlternateContent>";
        assert_eq!(read_body(body).unwrap(), "new\nbox");
    }

    #[test]
    fn each_row_of_a_table_is_a_line() {
        let cell = |text: &str| format!("<w:tc><w:tcPr/><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>");
        let two =
            format!("<w:tc><w:p><w:t>two</w:t></w:p><w:tbl><w:tr>{}{}</w:tr></w:tbl></w:tc>", cell("in"), cell("it"));
        let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
        let table = [row(&[cell("Party"), cell("Sum")]), row(&[cell("A"), two]), row(&[cell(""), cell("")])].concat();
        let body = format!("<w:p><w:t>Terms:</w:t></w:p><w:tbl>{table}</w:tbl><w:p><w:t>End</w:t></w:p>");
        assert_eq!(read_body(&body).unwrap(), "Terms:\nParty\tSum\nA\ttwo in it\n\nEnd");
    }

    #[test]
    fn the_list_of_parts_names_the_main_part() {
        let rels =
            br#"<Relationships><Relationship Type="http://x/relationships/officeDocument" Target="/word/d2.xml"/>
            </Relationships>"#;
        let xml = b"<document><p><t>found</t></p></document>";
        let file = archive(&[("_rels/.rels", rels), ("word/d2.xml", xml)]);
        assert_eq!(read(file.path()).unwrap().0, "found");
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        let reason = |file: tempfile::NamedTempFile| read(file.path()).unwrap_err();
        let mut plain = tempfile::NamedTempFile::new().unwrap();
        plain.write_all(b"plain text").unwrap();
        assert!(reason(plain).starts_with("It is not a Word document: "));
        let mut old = tempfile::NamedTempFile::new().unwrap();
        old.write_all(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1").unwrap();
        assert!(reason(old).contains("Save it as .docx without a password"));
        assert!(reason(archive(&[("other", b"")])).starts_with("It is not a Word document"));
        assert_eq!(reason(archive(&[(DOCUMENT, b"<workbook/>")])), "It is not a Word document");
        assert!(reason(archive(&[(DOCUMENT, b"<document><p></t></document>")])).starts_with("It is damaged: "));
        assert_eq!(reason(archive(&[(DOCUMENT, b"<document><p>")])), "It is damaged: its end is missing");
        assert_eq!(read(Path::new("/no/such.docx")).unwrap_err().split(':').next(), Some("It could not be read"));
        assert_eq!(read(&std::env::temp_dir()).unwrap_err(), "It is not a file");
    }

    #[test]
    fn a_small_archive_that_unpacks_to_too_much_is_refused() {
        let mut xml = b"<document><p>".to_vec();
        xml.resize(MOST_XML as usize + 16, b' ');
        let file = archive(&[(DOCUMENT, &xml)]);
        assert!(file.as_file().metadata().unwrap().len() < 1 << 20);
        assert_eq!(read(file.path()).unwrap_err(), "Its text takes more than 128 MiB of XML");
        let mut xml = b"<document><p><t>".to_vec();
        xml.resize(MOST_TEXT + 64, b'a');
        xml.extend_from_slice(b"</t></p></document>");
        assert_eq!(read(archive(&[(DOCUMENT, &xml)]).path()).unwrap_err(), "Its text is longer than 16 MiB");
    }

    #[test]
    fn entities_that_the_document_defines_are_not_expanded() {
        let xml = b"<!DOCTYPE d [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><document><p><t>x&b;y&lt;&#0;</t></p></document>";
        assert_eq!(read(archive(&[(DOCUMENT, xml)]).path()).unwrap().0, "xy<\u{FFFD}");
    }
}
