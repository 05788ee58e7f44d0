//! Bytes per record, and records a second on one thread.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gladhand_documents::telemetry::batch::{Decoder, Encoder};
use gladhand_documents::telemetry::frame::{Compressor, Decompressor, Epoch, checksum};
use gladhand_documents::telemetry::wire::Frame;
use gladhand_documents::telemetry::{Codec, Lane, Record};
use prost::Message as _;

use crate::sdk::Sdk;
use crate::{arrow, json, otlp};

const EPOCH: Epoch = [7; 16];
const BATCH: usize = 100;
/// For how long each path is measured, after a quarter of it to warm up.
const TIME: Duration = Duration::from_millis(400);

/// A batch of records to bytes.
type Format<'a> = (&'static str, Box<dyn FnMut(&[Record]) -> Vec<u8> + 'a>);

/// Bytes per record of each format at 1 s, 10 s and 60 s a batch, as they are and with zstd.
pub fn sizes(records: &[Record]) {
    let (mut encoder, mut compressor) = (Encoder::new(), Compressor::new());
    let formats: Vec<Format<'_>> = vec![
        (
            "Gladhand",
            Box::new(move |records| encoder.encode(records, &vec![1; records.len()]).expect("records").to_vec()),
        ),
        ("Arrow IPC", Box::new(arrow::stream)),
        ("JSON lines", Box::new(json::lines)),
        ("OTLP logs", Box::new(otlp::logs)),
        ("OTLP spans", Box::new(otlp::spans)),
    ];
    for (name, mut bytes) in formats {
        for size in [10, 100, 600] {
            let (mut raw, mut small, mut count) = (0, 0, 0);
            for batch in records.chunks_exact(size) {
                let bytes = bytes(batch);
                raw += bytes.len();
                // Ours as a gateway sends it. What does not shrink is sent as it is, in every format.
                small += match name {
                    "Gladhand" => compressor.compress(&bytes, Codec::Zstd).1.len(),
                    _ => zstd::bulk::compress(&bytes, 3).expect("zstd").len().min(bytes.len()),
                };
                count += size;
            }
            println!("{name}, {size}, raw\t{:.2}", raw as f64 / count as f64);
            println!("{name}, {size}, zstd\t{:.2}", small as f64 / count as f64);
        }
    }
    for size in [10, 100, 600] {
        let frame = frames(&records[..size], size).remove(0);
        let around = frame.encoded_len() - frame.payload.len();
        println!("frame around the payload, {size}\t{:.2}", around as f64 / size as f64);
    }
}

/// Records a second to bytes, in batches of [`BATCH`].
pub fn encode(records: &[Record]) {
    let ids = vec![1; BATCH];
    let (mut encoder, mut compressor) = (Encoder::new(), Compressor::new());
    per_second("Gladhand, with zstd and CRC32C", records, |batch| {
        let payload = encoder.encode(batch, &ids).expect("records");
        let crc = checksum(&EPOCH, Lane::Routine, 1, BATCH as u32, payload);
        black_box(crc);
        compressor.compress(payload, Codec::Zstd).1.len()
    });
    per_second("Gladhand, bytes alone", records, |batch| encoder.encode(batch, &ids).expect("records").len());
    let sdk = Sdk::new();
    per_second("OpenTelemetry SDK, spans", records, |batch| sdk.encode(batch).len());
    per_second("OTLP spans without an SDK", records, |batch| otlp::spans(batch).len());
    per_second("OTLP logs without an SDK", records, |batch| otlp::logs(batch).len());
    per_second("Arrow IPC", records, |batch| arrow::stream(batch).len());
    per_second("JSON lines", records, |batch| json::lines(batch).len());
}

/// Records a second from frames: decompressed, checksum verified, decoded, and looked up whether they came before. Every frame
/// comes twice.
pub fn collect(records: &[Record]) {
    let frames = frames(records, BATCH);
    let (mut decompressor, mut decoder) = (Decompressor::new(), Decoder::new());
    let context = records[0].context.clone();
    let contexts = HashMap::from([(1, Arc::new((*context).clone()))]);
    let mut through: HashMap<(u64, i32), (u64, HashMap<u64, u32>)> = HashMap::new();
    let (mut life, mut delivered) = (0u64, 0u64);
    let mut round = || {
        life += 1;
        let mut count = 0;
        for frame in frames.iter().flat_map(|frame| [frame, frame]) {
            count += frame.count as usize;
            let payload = decompressor.decompress(&frame.payload, frame.codec(), 1 << 16).expect("a payload");
            let crc = checksum(&EPOCH, frame.lane(), frame.first_sequence, frame.count, payload);
            assert_eq!(crc, frame.checksum_crc32c);
            let (watermark, seen) = through.entry((life, frame.lane)).or_default();
            let records = decoder.decode(payload, |id| contexts.get(&id).cloned()).expect("records");
            if frame.first_sequence <= *watermark {
                assert_eq!(seen.get(&frame.first_sequence), Some(&crc), "the same frame again");
                continue;
            }
            seen.insert(frame.first_sequence, crc);
            *watermark += records.len() as u64;
            delivered += black_box(records).len() as u64;
        }
        through.clear();
        count
    };
    let rate = rate(&mut round);
    assert!(delivered > 0);
    println!("collector, decoded and deduplicated\t{rate:.0}");
}

fn frames(records: &[Record], size: usize) -> Vec<Frame> {
    let (mut encoder, mut compressor) = (Encoder::new(), Compressor::new());
    let mut first_sequence = 1;
    let mut frame = |batch: &[Record]| {
        let payload = encoder.encode(batch, &vec![1; batch.len()]).expect("records");
        let count = batch.len() as u32;
        let checksum_crc32c = checksum(&EPOCH, Lane::Routine, first_sequence, count, payload);
        let (codec, payload) = compressor.compress(payload, Codec::Zstd);
        let frame = Frame {
            lane: Lane::Routine as i32,
            first_sequence,
            count,
            codec: codec as i32,
            checksum_crc32c,
            payload: payload.to_vec(),
        };
        first_sequence += u64::from(count);
        frame
    };
    records.chunks_exact(size).map(&mut frame).collect()
}

fn per_second(name: &str, records: &[Record], mut encode: impl FnMut(&[Record]) -> usize) {
    let mut batches = records.chunks_exact(BATCH).cycle();
    let rate = rate(&mut || {
        for batch in batches.by_ref().take(10) {
            black_box(encode(batch));
        }
        10 * BATCH
    });
    println!("{name}\t{rate:.0}");
}

/// How many a second, of what `work` says it did.
fn rate(work: &mut impl FnMut() -> usize) -> f64 {
    for time in [TIME / 4, TIME] {
        let start = Instant::now();
        let mut done = 0;
        while start.elapsed() < time {
            done += work();
        }
        if time == TIME {
            return done as f64 / start.elapsed().as_secs_f64();
        }
    }
    f64::NAN
}
