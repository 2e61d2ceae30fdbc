//! Fuzzing: real files of each format, damaged at random.
//!
//!     HONE_FUZZ_SECONDS=120 cargo nextest run --release --run-ignored only --no-capture damage_of_every_kind

use std::time::{Duration, Instant};

use hone::random::Rng;

use super::*;

/// Seconds a file may take, however it is damaged.
const MOST_SECONDS: u64 = 20;

/// Changes, moves, repeats or cuts off a few of the bytes.
fn damaged(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(8) {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len() as u64;
        let at = rng.below(length) as usize;
        let count = (1 + rng.below(64) as usize).min(bytes.len() - at);
        match rng.below(8) {
            0 => bytes[at] = rng.below(256) as u8,
            1 => bytes[at] ^= 1 << rng.below(8),
            2 => bytes.truncate(at),
            3 => _ = bytes.drain(at..at + count),
            4 => {
                let part = bytes[at..at + count].to_vec();
                bytes.splice(at..at, part);
            }
            5 => {
                let part = bytes[at..at + count].to_vec();
                let to = rng.below(length - count as u64 + 1) as usize;
                bytes[to..to + count].copy_from_slice(&part);
            }
            6 => bytes[at..at + count].fill([0, 0xFF, b'"', b'{', b'[', b'\n', b','][rng.below(7) as usize]),
            _ => {
                let edge = [0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX][rng.below(5) as usize].to_le_bytes();
                let end = (at + 4).min(bytes.len());
                bytes[at..end].copy_from_slice(&edge[..end - at]);
            }
        }
    }
    bytes
}

fn fuzz() {
    let seconds = std::env::var("HONE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tables");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("projects/customer-reviews/reviews.csv");
    let real = |name: &str| std::fs::read(tables.join(name)).unwrap();
    let csv: Vec<u8> = std::fs::read(sample).unwrap().into_iter().take(8_000).collect();
    let lines = b"{\"text\": \"Works\", \"user\": {\"name\": \"Ann\"}, \"label\": \"good\"}\n{\"text\": null, \"n\": [1, 2.5e3]}\n";
    let list = b"{\"data\": [{\"text\": \"a\", \"label\": true}, {\"text\": \"b\\u00e9\", \"label\": -0.5}]}";
    let seeds: [(&str, Vec<u8>); 9] = [
        ("rows.csv", csv),
        ("rows.jsonl", lines.to_vec()),
        ("rows.json", list.to_vec()),
        ("rows.parquet", real("reviews.parquet")),
        ("classes.parquet", real("classes.parquet")),
        ("rows.feather", real("reviews.feather")),
        ("rows.xlsx", real("reviews.xlsx")),
        ("rows.ods", real("reviews.ods")),
        ("rows.xls", real("reviews.xls")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(11);
    for (name, bytes) in seeds {
        let path = folder.path().join(name);
        let (begun, mut tried, mut read) = (Instant::now(), 0_u64, 0_u64);
        while begun.elapsed() < Duration::from_secs(seconds) {
            let damaged = damaged(&bytes, &mut rng);
            std::fs::write(&path, &damaged).unwrap();
            let started = Instant::now();
            let result = watched(|watch| read_table(&path, SourceFile::Main, &DatasetSettings::default(), watch));
            let took = started.elapsed().as_secs();
            assert!(took < MOST_SECONDS, "{name} took {took} s: {damaged:?}");
            tried += 1;
            read += u64::from(result.is_ok());
        }
        println!("{name}: {tried} damaged files, {read} of them still readable");
    }
}

mod by_hand {
    #[test]
    #[ignore = "takes minutes: HONE_FUZZ_SECONDS for each kind of file, 60 by default"]
    fn damaged_files_of_every_kind_give_an_error_or_rows() {
        super::fuzz();
    }
}
