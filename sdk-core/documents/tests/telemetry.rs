//! The columnar batch against the recorded highway minute, a golden byte vector, the whole domain of a record, and damage.

mod oracle;

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use flate2::read::GzDecoder;
use gladhand_documents::json::Document;
use gladhand_documents::telemetry::{
    AutonomyMode, Codec, Context, Fault, FaultCode, FaultSeverity, Kinematics, Lane, Location, Record, SaeLevel,
    SensorDef, SensorHealth, SensorKind, SensorStatus, SpanId, TraceId, batch, frame, json, minute, wire,
};
use proptest::prelude::*;
use prost::Message as _;

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/telemetry")
}

fn highway_minute() -> Vec<Record> {
    let file = std::fs::File::open(vectors().join("highway_minute.jsonl.gz")).expect("the recorded minute");
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    minute::parse(&text).expect("records")
}

fn round_trip(records: &[Record], ids: &[u32]) -> Vec<Record> {
    let bytes = batch::to_bytes(records, ids).expect("encodes");
    assert_eq!(hex(&bytes), hex(&oracle::to_bytes(records, ids)), "what prost writes");
    let find = |id| ids.iter().position(|&known| known == id).map(|row| records[row].context.clone());
    batch::from_bytes(&bytes, find).expect("decodes")
}

#[test]
fn the_highway_minute_is_small_and_comes_back() {
    let records = highway_minute();
    assert_eq!(records.len(), 600);
    assert_eq!(records[0].location.expect("located").latitude_e7_deg, 377_210_000);
    for size in [1, 10, 100, 600] {
        let mut raw = 0;
        let mut small = 0;
        for chunk in records.chunks(size) {
            let ids = vec![1; chunk.len()];
            assert_eq!(round_trip(chunk, &ids), chunk);
            let bytes = batch::to_bytes(chunk, &ids).expect("encodes");
            raw += bytes.len();
            small += frame::compress(&bytes, Codec::Zstd).1.len();
        }
        println!("{size:>4} per batch: {:6.2} raw, {:6.2} zstd bytes per record", per(raw), per(small));
        let limit = match size {
            1 => 100.0,
            10 => 20.0,
            _ => 11.5,
        };
        assert!(per(small) <= limit, "{} bytes per record in batches of {size}", per(small));
    }
    for record in &records {
        let document = json::to_document(record).expect("json");
        assert_eq!(&json::from_document(&document).expect("comes back"), record);
        assert_eq!(&Record::from_wire(record.to_wire()).expect("comes back"), record);
    }
}

fn per(bytes: usize) -> f64 {
    bytes as f64 / 600.0
}

/// Every column and both contexts of the golden vector in use, with jumps across the ends of the number range.
fn golden_records() -> (Vec<Record>, Vec<u32>) {
    let sensor = |kind, name: &str| SensorDef { kind, position: 0, name: name.into() };
    let loaded = Arc::new(Context {
        vehicle_id: "aurora-trk-0417".into(),
        load_id: "mcleod-6789".into(),
        capacity_id: "aurora-12345".into(),
        dispatch_id: "dsp-1".into(),
        sensors: vec![sensor(SensorKind::LIDAR, "lidar-0"), sensor(SensorKind(42), "novel-0")],
    });
    let empty = Arc::new(Context { vehicle_id: "aurora-trk-0418".into(), ..Context::default() });
    let health = |sensor_index, status, score_permille| SensorHealth { sensor_index, status, score_permille };
    let start = 1_771_574_400_000_000_000;
    let records = vec![
        Record {
            context: loaded.clone(),
            event_sequence: u64::MAX,
            observed_unix_nanos: start,
            location: Some(Location {
                latitude_e7_deg: 377_210_000,
                longitude_e7_deg: 1_799_999_999,
                altitude_mm: Some(31_639),
                horizontal_accuracy_mm: 300,
                vertical_accuracy_mm: 500,
            }),
            kinematics: Some(Kinematics {
                speed_mmps: 7974,
                heading_cdeg: 35_999,
                accel_longitudinal_mmps2: 1074,
                accel_lateral_mmps2: -129,
                yaw_rate_mdegps: 213,
            }),
            sensor_health: vec![health(0, SensorStatus::NOMINAL, Some(1000)), health(1, SensorStatus(-7), None)],
            autonomy_mode: AutonomyMode::AUTONOMOUS_ENROUTE,
            autonomy_level: SaeLevel::L4,
            faults: vec![],
            trace_id: TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736"),
            span_id: SpanId::parse("00f067aa0ba902b7"),
        },
        Record {
            context: loaded.clone(),
            event_sequence: 0,
            observed_unix_nanos: start + 99_989_000,
            location: Some(Location {
                latitude_e7_deg: i32::MIN,
                longitude_e7_deg: -1_800_000_000,
                altitude_mm: None,
                horizontal_accuracy_mm: u32::MAX,
                vertical_accuracy_mm: 0,
            }),
            kinematics: None,
            sensor_health: vec![health(0, SensorStatus::FAILED, None)],
            autonomy_mode: AutonomyMode::MINIMAL_RISK_MANEUVER,
            autonomy_level: SaeLevel::L4,
            faults: vec![Fault {
                code: FaultCode::SENSOR_LOST,
                severity: FaultSeverity::SAFETY_CRITICAL,
                sensor_index: Some(0),
                active: true,
                j1939_spn: Some(84),
                j1939_fmi: Some(31),
                vendor_code: "LDR-17".into(),
            }],
            trace_id: TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736"),
            span_id: None,
        },
        Record { context: empty, event_sequence: 7, observed_unix_nanos: 1, ..Record::default() },
        Record {
            context: loaded,
            event_sequence: 8,
            observed_unix_nanos: u64::MAX,
            autonomy_mode: AutonomyMode(99),
            ..Record::default()
        },
    ];
    // With the first one three altitudes: the third tells differences from differences of differences.
    let climbs = [31_700, i32::MIN].map(|altitude| Record {
        context: records[0].context.clone(),
        location: Some(Location { altitude_mm: Some(altitude), ..Location::default() }),
        ..Record::default()
    });
    (records.into_iter().chain(climbs).collect(), vec![1, 1, 2, 1, 1, 1])
}

#[test]
fn the_golden_vector_is_reproduced_to_the_byte() {
    let (records, ids) = golden_records();
    assert_eq!(round_trip(&records, &ids), records);
    let payload = batch::to_bytes(&records, &ids).expect("encodes");
    let epoch: frame::Epoch = std::array::from_fn(|i| i as u8);
    let checksum = frame::checksum(&epoch, Lane::Operational, 41, 6, &payload);
    let documents: Vec<String> =
        records.iter().map(|r| json::to_document(r).expect("json").as_str().to_owned()).collect();
    let text = format!(
        "{{\n\"about\": \"The columnar batch: records, the context number of each, the payload and the frame's checksum\",\n\
         \"records\": [\n{}\n],\n\"contextIds\": {ids:?},\n\"payloadHex\": \"{}\",\n\
         \"frame\": {{\"epochHex\": \"{}\", \"lane\": 2, \"firstSequence\": \"41\", \"count\": 6, \"crc32c\": {checksum}}}\n}}\n",
        documents.join(",\n"),
        hex(&payload),
        hex(&epoch),
    );
    let path = vectors().join("batch.json");
    if std::env::var_os("GLADHAND_BLESS").is_some() {
        std::fs::write(&path, &text).expect("writes the vector");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("the vector"), text);

    // And from the file alone: its documents under its context numbers give its bytes.
    let vector = Document::parse(&text).expect("json");
    let records: Vec<Record> = (0..6)
        .map(|i| json::from_document(&vector.extract(&format!("/records/{i}")).expect("a record")).expect("valid"))
        .collect();
    let again = batch::to_bytes(&records, &ids).expect("encodes");
    assert_eq!(vector.text("/payloadHex").as_deref(), Some(hex(&again).as_str()));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, b| text + &format!("{b:02x}"))
}

#[test]
fn no_single_flipped_bit_passes_checksum_or_panics() {
    let (records, ids) = golden_records();
    let payload = batch::to_bytes(&records, &ids).expect("encodes");
    let find = |id| ids.iter().position(|&known| known == id).map(|row| records[row].context.clone());
    let checksum = frame::checksum(&[0; 16], Lane::Routine, 1, 4, &payload);
    for bit in 0..payload.len() * 8 {
        let mut damaged = payload.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(frame::checksum(&[0; 16], Lane::Routine, 1, 4, &damaged), checksum);
        let _ = batch::from_bytes(&damaged, find);
    }
    for length in 0..payload.len() {
        let _ = batch::from_bytes(&payload[..length], find);
    }
}

#[test]
fn rows_that_cost_no_byte_are_bounded() {
    let rows = |row_count| wire::TelemetryBatch { row_count, ..wire::TelemetryBatch::default() }.encode_to_vec();
    let context = Arc::new(Context { vehicle_id: "v".into(), ..Context::default() });
    let find = |_| Some(context.clone());
    assert_eq!(batch::from_bytes(&rows(8192), find).expect("allowed").len(), 8192);
    assert!(batch::from_bytes(&rows(8193), find).is_err());
    assert!(batch::from_bytes(&rows(u32::MAX), find).is_err());
    assert!(batch::from_bytes(&rows(0), find).is_err());
    assert!(batch::to_bytes(&[], &[]).is_err());
}

prop_compose! {
    fn any_location()(
        latitude_e7_deg in any::<i32>(), longitude_e7_deg in any::<i32>(), altitude_mm in any::<Option<i32>>(),
        horizontal_accuracy_mm in any::<u32>(), vertical_accuracy_mm in any::<u32>(),
    ) -> Location {
        Location { latitude_e7_deg, longitude_e7_deg, altitude_mm, horizontal_accuracy_mm, vertical_accuracy_mm }
    }
}

prop_compose! {
    fn any_kinematics()(
        speed_mmps in any::<i32>(), heading_cdeg in any::<u32>(), accel_longitudinal_mmps2 in any::<i32>(),
        accel_lateral_mmps2 in any::<i32>(), yaw_rate_mdegps in any::<i32>(),
    ) -> Kinematics {
        Kinematics { speed_mmps, heading_cdeg, accel_longitudinal_mmps2, accel_lateral_mmps2, yaw_rate_mdegps }
    }
}

prop_compose! {
    fn any_fault()(
        code in any::<i32>(), severity in any::<i32>(), sensor_index in proptest::option::of(0..4u32),
        active in any::<bool>(), j1939_spn in any::<Option<u32>>(), j1939_fmi in any::<Option<u32>>(),
        vendor_code in "\\PC{0,12}",
    ) -> Fault {
        let (code, severity) = (FaultCode(code), FaultSeverity(severity));
        Fault { code, severity, sensor_index, active, j1939_spn, j1939_fmi, vendor_code }
    }
}

prop_compose! {
    fn any_context()(
        vehicle_id in "\\PC{1,12}", load_id in "\\PC{0,12}", kinds in proptest::collection::vec(any::<i32>(), 4),
    ) -> Arc<Context> {
        let sensor = |(position, kind): (usize, i32)| SensorDef {
            kind: SensorKind(kind), position: position as u32, name: format!("s{position}"),
        };
        let sensors = kinds.into_iter().enumerate().map(sensor).collect();
        Arc::new(Context { vehicle_id, load_id, sensors, ..Context::default() })
    }
}

prop_compose! {
    /// Times and sequences are free, so that every difference wraps somewhere.
    fn any_record()(
        event_sequence in any::<u64>(), observed_unix_nanos in any::<u64>(),
        location in proptest::option::of(any_location()), kinematics in proptest::option::of(any_kinematics()),
        health in proptest::collection::btree_map(0..4u32, (any::<i32>(), any::<Option<u32>>()), 0..5),
        mode in any::<i32>(), level in any::<i32>(), faults in proptest::collection::vec(any_fault(), 0..3),
        trace in any::<[u8; 16]>(), span in any::<[u8; 8]>(), traced in any::<bool>(),
    ) -> Record {
        let state = |(sensor_index, (status, score_permille)): (u32, (i32, Option<u32>))| SensorHealth {
            sensor_index, status: SensorStatus(status), score_permille,
        };
        Record {
            context: Arc::default(), event_sequence, observed_unix_nanos, location, kinematics, faults,
            sensor_health: health.into_iter().map(state).collect(),
            autonomy_mode: AutonomyMode(mode), autonomy_level: SaeLevel(level),
            trace_id: TraceId::new(trace).filter(|_| traced), span_id: SpanId::new(span).filter(|_| traced),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// One encoder and one decoder for batches of every kind, also after bytes that are no batch: nothing is left of the one
    /// before.
    #[test]
    fn buffers_that_are_used_again_change_nothing(
        context in any_context(),
        batches in proptest::collection::vec(proptest::collection::vec(any_record(), 1..6), 2..6),
        noise in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let (mut encoder, mut decoder) = (batch::Encoder::new(), batch::Decoder::new());
        for mut records in batches {
            for record in &mut records {
                record.context = context.clone();
            }
            let ids: Vec<u32> = (0..records.len() as u32).map(|row| row / 2).collect();
            let bytes = encoder.encode(&records, &ids).expect("encodes");
            prop_assert_eq!(hex(bytes), hex(&oracle::to_bytes(&records, &ids)));
            let _ = decoder.decode(&noise, |_| Some(context.clone()));
            prop_assert_eq!(decoder.decode(bytes, |_| Some(context.clone())).expect("decodes"), records.as_slice());
        }
    }

    /// Rows are repeated at times, so that runs and unchanged sensors occur beside free values.
    #[test]
    fn every_record_comes_back(
        contexts in proptest::collection::vec(any_context(), 1..4),
        rows in proptest::collection::vec((any_record(), 0..4usize, 1..4usize), 1..24),
    ) {
        let mut records = Vec::new();
        let mut ids = Vec::new();
        for (record, context, times) in rows {
            let context = context % contexts.len();
            let record = Record { context: contexts[context].clone(), ..record };
            for _ in 0..times {
                records.push(record.clone());
                ids.push(context as u32 * 1000 + 1);
            }
        }
        prop_assert_eq!(round_trip(&records, &ids), records.clone());
        for record in records {
            let document = json::to_document(&record).expect("json");
            prop_assert_eq!(&json::from_document(&document).expect("comes back"), &record);
            prop_assert_eq!(&Record::from_wire(record.to_wire()).expect("comes back"), &record);
        }
    }

    #[test]
    fn no_bytes_panic_the_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let context = Arc::new(Context { vehicle_id: "v".into(), ..Context::default() });
        let _ = batch::from_bytes(&bytes, |_| Some(context.clone()));
    }
}
