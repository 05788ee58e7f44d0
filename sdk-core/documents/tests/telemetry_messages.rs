//! Byte vectors of the telemetry messages: each message, its bytes, and its JSON in the field names of the proto files.
//! `cargo xtask interop telemetry` has them read by two protobuf implementations of others.

use std::path::PathBuf;

use gladhand_documents::telemetry::wire::follow_response::Message as Told;
use gladhand_documents::telemetry::wire::stream_request::Message as Said;
use gladhand_documents::telemetry::wire::stream_response::Message as Answered;
use gladhand_documents::telemetry::wire::{
    Ack, Codec, Correlation, Credit, DropReason, Durability, Fault, FollowEnded, FollowHeartbeat, FollowRequest,
    FollowResponse, FollowUpdate, Frame, GapNotice, GoAway, GoAwayReason, Heartbeat, Hello, Kinematics, Lane,
    LaneState, LaneStatus, Location, Nack, NackReason, Replay, ReplayGap, ResumeState, SensorDef, SensorHealth,
    StreamContext, StreamRequest, StreamResponse, TelemetryRecord, Welcome,
};
use prost::Message;
use serde_json::{Value, json};

struct Vector {
    name: &'static str,
    kind: &'static str,
    bytes: Vec<u8>,
    json: Value,
}

fn said(name: &'static str, message: Said, json: Value) -> Vector {
    let message = StreamRequest { message: Some(message) };
    Vector { name, kind: "StreamRequest", bytes: message.encode_to_vec(), json }
}

fn answered(name: &'static str, message: Answered, json: Value) -> Vector {
    let message = StreamResponse { message: Some(message) };
    Vector { name, kind: "StreamResponse", bytes: message.encode_to_vec(), json }
}

fn told(name: &'static str, message: Told, json: Value) -> Vector {
    let message = FollowResponse { message: Some(message) };
    Vector { name, kind: "FollowResponse", bytes: message.encode_to_vec(), json }
}

fn correlation() -> Correlation {
    Correlation {
        vehicle_id: "aurora-trk-0417".into(),
        load_id: "mcleod-6789".into(),
        capacity_id: "aurora-12345".into(),
        dispatch_id: "dsp-ü-1".into(),
    }
}

fn ids() -> Value {
    json!({
        "vehicle_id": "aurora-trk-0417", "load_id": "mcleod-6789", "capacity_id": "aurora-12345",
        "dispatch_id": "dsp-ü-1",
    })
}

fn lidar() -> SensorDef {
    SensorDef { kind: 1, position: 0, name: "lidar-0".into() }
}

/// Every field in use, at the ends of its range, and numbers of enumerations that nobody knows yet.
fn record() -> (TelemetryRecord, Value) {
    let record = TelemetryRecord {
        correlation: Some(correlation()),
        event_sequence: u64::MAX,
        observed_time_unix_nanos: u64::MAX,
        location: Some(Location {
            latitude_e7_deg: i32::MIN,
            longitude_e7_deg: i32::MAX,
            altitude_mm: Some(0),
            horizontal_accuracy_mm: u32::MAX,
            vertical_accuracy_mm: 500,
        }),
        kinematics: Some(Kinematics {
            speed_mmps: -1,
            heading_cdeg: 35_999,
            accel_longitudinal_mmps2: i32::MAX,
            accel_lateral_mmps2: i32::MIN,
            yaw_rate_mdegps: -213,
        }),
        sensor_health: vec![
            SensorHealth { sensor_index: 0, status: 1, score_permille: Some(0) },
            SensorHealth { sensor_index: 1, status: -7, score_permille: None },
        ],
        autonomy_mode: 99,
        autonomy_level: 5,
        faults: vec![Fault {
            code: 2,
            severity: 4,
            sensor_index: Some(0),
            active: true,
            j1939_spn: Some(524_287),
            j1939_fmi: Some(31),
            vendor_code: "LDR-17".into(),
        }],
        trace_id: (0..16).collect(),
        span_id: (0..8).map(|n| 255 - n).collect(),
        sensors: vec![lidar(), SensorDef { kind: 42, position: 1, name: "novel".into() }],
    };
    let json = json!({
        "correlation": ids(),
        "event_sequence": "18446744073709551615",
        "observed_time_unix_nanos": "18446744073709551615",
        "location": {
            "latitude_e7_deg": -2_147_483_648_i64, "longitude_e7_deg": 2_147_483_647, "altitude_mm": 0,
            "horizontal_accuracy_mm": 4_294_967_295_u32, "vertical_accuracy_mm": 500,
        },
        "kinematics": {
            "speed_mmps": -1, "heading_cdeg": 35_999, "accel_longitudinal_mmps2": 2_147_483_647,
            "accel_lateral_mmps2": -2_147_483_648_i64, "yaw_rate_mdegps": -213,
        },
        "sensor_health": [
            {"status": "SENSOR_STATUS_NOMINAL", "score_permille": 0}, {"sensor_index": 1, "status": -7},
        ],
        "autonomy_mode": 99,
        "autonomy_level": "SAE_LEVEL_4",
        "faults": [{
            "code": "FAULT_CODE_SENSOR_LOST", "severity": "FAULT_SEVERITY_SAFETY_CRITICAL", "sensor_index": 0,
            "active": true, "j1939_spn": 524_287, "j1939_fmi": 31, "vendor_code": "LDR-17",
        }],
        "trace_id": "AAECAwQFBgcICQoLDA0ODw==",
        "span_id": "//79/Pv6+fg=",
        "sensors": [
            {"kind": "SENSOR_KIND_LIDAR", "name": "lidar-0"}, {"kind": 42, "position": 1, "name": "novel"},
        ],
    });
    (record, json)
}

fn gateways() -> Vec<Vector> {
    let state = |lane, oldest, next, sent| LaneState {
        lane,
        oldest_available_sequence: oldest,
        next_sequence: next,
        highest_sent_sequence: sent,
    };
    let (epoch, epoch_json) = (vec![0xfb; 16], "+/v7+/v7+/v7+/v7+/v7+w==");
    vec![
        said(
            "Hello",
            Said::Hello(Hello {
                producer_id: "aurora-edge".into(),
                epoch,
                protocol_version: 1,
                lanes: vec![state(Lane::Safety as i32, 1, 1, 0), state(Lane::Routine as i32, 41, u64::MAX, 96)],
                codecs: vec![Codec::Zstd as i32, Codec::Raw as i32],
            }),
            json!({"hello": {
                "producer_id": "aurora-edge", "epoch": epoch_json, "protocol_version": 1,
                "lanes": [
                    {"lane": "LANE_SAFETY", "oldest_available_sequence": "1", "next_sequence": "1"},
                    {"lane": "LANE_ROUTINE", "oldest_available_sequence": "41",
                     "next_sequence": "18446744073709551615", "highest_sent_sequence": "96"},
                ],
                "codecs": ["CODEC_ZSTD", "CODEC_RAW"],
            }}),
        ),
        said(
            "StreamContext",
            Said::Context(StreamContext {
                context_id: 300,
                correlation: Some(correlation()),
                sensors: vec![lidar()],
                resource_schema_url: String::new(),
            }),
            json!({"context": {
                "context_id": 300, "correlation": ids(), "sensors": [{"kind": "SENSOR_KIND_LIDAR", "name": "lidar-0"}],
            }}),
        ),
        said(
            "Frame",
            Said::Frame(Frame {
                lane: Lane::Operational as i32,
                first_sequence: 1 << 53,
                count: 100,
                codec: Codec::Zstd as i32,
                checksum_crc32c: 0xe306_9283,
                payload: b"123456789".to_vec(),
            }),
            json!({"frame": {
                "lane": "LANE_OPERATIONAL", "first_sequence": "9007199254740992", "count": 100, "codec": "CODEC_ZSTD",
                "checksum_crc32c": 3_808_858_755_u32, "payload": "MTIzNDU2Nzg5",
            }}),
        ),
        said(
            "GapNotice",
            Said::Gap(GapNotice {
                lane: Lane::Diagnostic as i32,
                first_sequence: 7,
                last_sequence: 4096,
                reason: DropReason::TailUnknown as i32,
                min_event_sequence: 0,
                max_event_sequence: 9,
                load_ids: vec!["mcleod-6789".into(), "mcleod-6790".into()],
                payload_bytes: 1 << 40,
            }),
            json!({"gap": {
                "lane": "LANE_DIAGNOSTIC", "first_sequence": "7", "last_sequence": "4096",
                "reason": "DROP_REASON_TAIL_UNKNOWN", "max_event_sequence": "9",
                "load_ids": ["mcleod-6789", "mcleod-6790"], "payload_bytes": "1099511627776",
            }}),
        ),
        said(
            "Heartbeat",
            Said::Heartbeat(Heartbeat {
                lanes: vec![LaneStatus {
                    lane: Lane::Safety as i32,
                    occupancy_permille: 1000,
                    held_bytes: 4 << 20,
                    oldest_age_ms: 86_400_000,
                    dropped_total: 1,
                    credit_blocked_ms_total: 2,
                }],
            }),
            json!({"heartbeat": {"lanes": [{
                "lane": "LANE_SAFETY", "occupancy_permille": 1000, "held_bytes": "4194304", "oldest_age_ms": "86400000",
                "dropped_total": "1", "credit_blocked_ms_total": "2",
            }]}}),
        ),
        said(
            "Replayed",
            Said::Replayed(Frame {
                lane: Lane::Safety as i32,
                first_sequence: 5,
                count: 1,
                codec: Codec::Raw as i32,
                checksum_crc32c: 0xe306_9283,
                payload: b"123456789".to_vec(),
            }),
            json!({"replayed": {
                "lane": "LANE_SAFETY", "first_sequence": "5", "count": 1, "codec": "CODEC_RAW",
                "checksum_crc32c": 3_808_858_755_u32, "payload": "MTIzNDU2Nzg5",
            }}),
        ),
        said(
            "ReplayGap",
            Said::ReplayGap(ReplayGap { lane: Lane::Safety as i32, first_sequence: 1, last_sequence: 4 }),
            json!({"replay_gap": {"lane": "LANE_SAFETY", "first_sequence": "1", "last_sequence": "4"}}),
        ),
    ]
}

fn collectors() -> Vec<Vector> {
    let ack = |lane, through_sequence| Ack { lane, through_sequence, durability: Durability::Fsync as i32 };
    vec![
        answered(
            "Welcome",
            Answered::Welcome(Welcome {
                state: ResumeState::StateLost as i32,
                acks: vec![ack(Lane::Routine as i32, 40)],
                credits: vec![Credit { lane: Lane::Routine as i32, max_payload_bytes_total: 1 << 20 }],
                max_frame_payload_bytes: 65_536,
                server_time_unix_nanos: 1_771_576_399_899_914_001,
                codec: Codec::Zstd as i32,
            }),
            json!({"welcome": {
                "state": "RESUME_STATE_STATE_LOST",
                "acks": [{"lane": "LANE_ROUTINE", "through_sequence": "40", "durability": "DURABILITY_FSYNC"}],
                "credits": [{"lane": "LANE_ROUTINE", "max_payload_bytes_total": "1048576"}],
                "max_frame_payload_bytes": 65_536, "server_time_unix_nanos": "1771576399899914001",
                "codec": "CODEC_ZSTD",
            }}),
        ),
        answered(
            "Ack",
            Answered::Ack(ack(Lane::Safety as i32, 0)),
            json!({"ack": {"lane": "LANE_SAFETY", "durability": "DURABILITY_FSYNC"}}),
        ),
        answered(
            "Nack",
            Answered::Nack(Nack {
                lane: Lane::Routine as i32,
                first_sequence: 1,
                reason: NackReason::SequenceReused as i32,
                retryable: false,
                retry_after_ms: 250,
                expected_sequence: 41,
                detail: "these sequences were delivered with other content".into(),
            }),
            json!({"nack": {
                "lane": "LANE_ROUTINE", "first_sequence": "1", "reason": "NACK_REASON_SEQUENCE_REUSED",
                "retry_after_ms": 250, "expected_sequence": "41",
                "detail": "these sequences were delivered with other content",
            }}),
        ),
        answered(
            "Credit",
            Answered::Credit(Credit { lane: Lane::Routine as i32, max_payload_bytes_total: u64::MAX }),
            json!({"credit": {"lane": "LANE_ROUTINE", "max_payload_bytes_total": "18446744073709551615"}}),
        ),
        answered(
            "GoAway",
            Answered::GoAway(GoAway { reason: GoAwayReason::Superseded as i32, ..GoAway::default() }),
            json!({"go_away": {"reason": "GO_AWAY_REASON_SUPERSEDED"}}),
        ),
        answered(
            "Replay",
            Answered::Replay(Replay { lane: Lane::Safety as i32, first_sequence: 1, last_sequence: u64::MAX }),
            json!({"replay": {
                "lane": "LANE_SAFETY", "first_sequence": "1", "last_sequence": "18446744073709551615",
            }}),
        ),
    ]
}

fn followers() -> Vec<Vector> {
    let (record, record_json) = record();
    let request = FollowRequest { load_ids: vec!["mcleod-6789".into()], cursor: "a1.7".into() };
    vec![
        Vector {
            name: "TelemetryRecord",
            kind: "TelemetryRecord",
            bytes: record.encode_to_vec(),
            json: record_json.clone(),
        },
        Vector {
            name: "FollowRequest",
            kind: "FollowRequest",
            bytes: request.encode_to_vec(),
            json: json!({"load_ids": ["mcleod-6789"], "cursor": "a1.7"}),
        },
        told(
            "FollowUpdate",
            Told::Update(FollowUpdate {
                record: Some(record),
                received_time_unix_nanos: 1,
                server_time_unix_nanos: 1 << 62,
                skipped: 3,
                possible_duplicate: true,
                cursor: "a1.8".into(),
                source: "aurora-edge/00".into(),
            }),
            json!({"update": {
                "record": record_json, "received_time_unix_nanos": "1", "server_time_unix_nanos": "4611686018427387904",
                "skipped": "3", "possible_duplicate": true, "cursor": "a1.8", "source": "aurora-edge/00",
            }}),
        ),
        told(
            "FollowHeartbeat",
            Told::Heartbeat(FollowHeartbeat { server_time_unix_nanos: 7 }),
            json!({"heartbeat": {"server_time_unix_nanos": "7"}}),
        ),
        told(
            "FollowEnded",
            Told::Ended(FollowEnded { load_id: "mcleod-6789".into(), detail: String::new() }),
            json!({"ended": {"load_id": "mcleod-6789"}}),
        ),
    ]
}

#[test]
fn the_messages_are_reproduced_to_the_byte() {
    let lines: Vec<String> = gateways()
        .into_iter()
        .chain(collectors())
        .chain(followers())
        .map(|vector| {
            let hex = vector.bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            json!({"name": vector.name, "type": vector.kind, "hex": hex, "json": vector.json}).to_string()
        })
        .collect();
    let about = "Telemetry messages: their bytes, and their JSON in the names of the proto files";
    let text = format!("{{\n\"about\": \"{about}\",\n\"messages\": [\n{}\n]\n}}\n", lines.join(",\n"));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/telemetry/messages.json");
    if std::env::var_os("GLADHAND_BLESS").is_some() {
        std::fs::write(&path, &text).expect("writes the vector");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("the vector"), text);
}
