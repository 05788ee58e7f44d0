//! Once their buffers have grown, encoder, compressor, decompressor and decoder allocate nothing.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use allocation_counter::measure;
use flate2::read::GzDecoder;
use gladhand_documents::telemetry::batch::{Decoder, Encoder};
use gladhand_documents::telemetry::frame::{Compressor, Decompressor, checksum};
use gladhand_documents::telemetry::{Codec, Context, Lane, Record, minute};

/// The recorded minute in batches of 100, with the changes, faults and absent values of a worse day.
fn batches() -> Vec<Vec<Record>> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/telemetry/highway_minute.jsonl.gz");
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).expect("the recorded minute")).read_to_string(&mut text).expect("gzip");
    let mut records = minute::parse(&text).expect("records");
    for (row, record) in records.iter_mut().enumerate() {
        match row % 7 {
            0 => record.location = None,
            1 => record.kinematics = None,
            2 => record.sensor_health[row % 8].status.0 = 2,
            3 => record.sensor_health.truncate(5),
            4 => record.faults.push(gladhand_documents::telemetry::Fault::default()),
            _ => {}
        }
    }
    records.chunks(100).map(<[Record]>::to_vec).collect()
}

#[test]
fn nothing_is_allocated_from_the_second_batch_on() {
    let batches = batches();
    let ids = [1; 100];
    let context = batches[0][0].context.clone();
    let find = |_| -> Option<Arc<Context>> { Some(context.clone()) };
    let (mut encoder, mut compressor) = (Encoder::new(), Compressor::new());
    let (mut decompressor, mut decoder) = (Decompressor::new(), Decoder::new());
    let mut all = || {
        for batch in &batches {
            let payload = encoder.encode(batch, &ids).expect("records");
            let crc = checksum(&[0; 16], Lane::Routine, 1, 100, payload);
            let (codec, small) = compressor.compress(payload, Codec::Zstd);
            let payload = decompressor.decompress(small, codec, 65_536).expect("a payload");
            assert_eq!(checksum(&[0; 16], Lane::Routine, 1, 100, payload), crc);
            assert_eq!(decoder.decode(payload, find).expect("records"), batch.as_slice());
        }
    };
    assert!(measure(&mut all).count_total > 0, "the counter counts");
    assert_eq!(measure(&mut all).count_total, 0);
}
