//! A gateway makes frames for days: what one costs the allocator is little, and does not grow with its records.

use std::sync::Arc;

use allocation_counter::measure;
use gladhand_documents::telemetry::wire::stream_request::Message;
use gladhand_documents::telemetry::wire::{Ack, Codec, Credit, Durability, Welcome};
use gladhand_documents::telemetry::{Context, Kinematics, Lane, Location, Record};
use gladhand_protocol::telemetry::{Now, Policies, Sender, Stream};

const FRAME: u64 = 100;

#[test]
fn a_frame_is_made_sent_and_let_go_with_few_allocations() {
    let mut sender = Sender::new("edge", [1; 16], Policies::default());
    let credit = Credit { lane: Lane::Routine as i32, max_payload_bytes_total: 1 << 30 };
    let welcome = Welcome {
        credits: vec![credit],
        codec: Codec::Zstd as i32,
        max_frame_payload_bytes: 65_536,
        ..Welcome::default()
    };
    sender.opened(Stream::Others, &welcome, 0).expect("open");
    let context = Arc::new(Context { vehicle_id: "aurora-trk-0417".into(), ..Context::default() });
    let record = |number: u64| Record {
        context: context.clone(),
        observed_unix_nanos: number * 100_000_000,
        location: Some(Location { latitude_e7_deg: (number * number % 9_000_000) as i32, ..Location::default() }),
        kinematics: Some(Kinematics::default()),
        ..Record::default()
    };
    let mut worst = 0;
    for frame in 0..20 {
        let records: Vec<Record> = (frame * FRAME..(frame + 1) * FRAME).map(record).collect();
        let through_sequence = (frame + 1) * FRAME;
        let cost = measure(|| {
            for record in records {
                sender.admit(Lane::Routine, record, Now::default()).expect("admitted");
            }
            let frames = std::iter::from_fn(|| sender.next(Stream::Others, 0));
            assert_eq!(frames.filter(|message| matches!(message, Message::Frame(_))).count(), 1);
            let ack = Ack { lane: Lane::Routine as i32, through_sequence, durability: Durability::Memory as i32 };
            sender.acknowledged(&ack, 0).expect("sent");
        });
        // The first ones let buffers grow.
        if frame >= 10 {
            worst = worst.max(cost.count_total);
        }
    }
    assert_eq!(sender.conservation().acknowledged, 20 * FRAME);
    // The payload as it waits and as it is sent, and the list of its contexts.
    assert!(worst <= 4, "{worst} allocations for a frame of {FRAME} records");
}
