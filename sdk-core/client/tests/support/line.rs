//! A stream to the collector by hand: what a gateway that does not keep the rules would send.
#![allow(unreachable_pub, reason = "a module of a test")]

use std::sync::Arc;
use std::time::Duration;

use gladhand::telemetry::{Context, Lane, Record};
use gladhand_documents::telemetry::batch;
use gladhand_documents::telemetry::frame::{Epoch, checksum};
use gladhand_documents::telemetry::wire::stream_request::Message as Request;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{Codec, Frame, Hello, LaneState, StreamRequest, StreamResponse, Welcome};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request as Call, Status, Streaming};

use crate::stub::telemetry_ingest_service_client::TelemetryIngestServiceClient;
use crate::support::road::{connector, now_nanos};
use crate::support::{Bench, soon};

pub const PRODUCER: &str = "aurora-edge";

pub struct Line {
    outgoing: mpsc::Sender<StreamRequest>,
    incoming: Streaming<StreamResponse>,
}

impl Line {
    /// A stream on which nothing was said, with the gateway's credentials.
    pub async fn open(bench: &Bench) -> Self {
        let (connector, _) = connector(bench, "gateway.toml");
        let connection = connector.connect("telemetry:write").await.unwrap();
        let (outgoing, messages) = mpsc::channel(16);
        let mut client = TelemetryIngestServiceClient::new(connection.channel);
        let mut call = Call::new(ReceiverStream::new(messages));
        let authorization = connection.authorization.to_str().unwrap().parse().unwrap();
        call.metadata_mut().insert("authorization", authorization);
        let incoming = soon("the stream", client.stream(call)).await.unwrap().into_inner();
        Self { outgoing, incoming }
    }

    /// A stream after Hello, Welcome and context 1.
    pub async fn greeted(bench: &Bench, epoch: Epoch, lane: Lane, context: &Context) -> (Self, Welcome) {
        let mut line = Self::open(bench).await;
        line.say(Request::Hello(hello(PRODUCER, epoch, lane))).await;
        let Response::Welcome(welcome) = line.hear().await else { panic!("no Welcome") };
        line.say(Request::Context(context.to_wire(1))).await;
        (line, welcome)
    }

    pub async fn say(&self, message: Request) {
        self.outgoing.send(StreamRequest { message: Some(message) }).await.unwrap();
    }

    /// The next answer, credit aside.
    pub async fn hear(&mut self) -> Response {
        loop {
            match self.next().await.unwrap().and_then(|answer| answer.message) {
                Some(Response::Credit(_)) => {}
                Some(answer) => return answer,
                None => panic!("the stream ended"),
            }
        }
    }

    pub async fn next(&mut self) -> Result<Option<StreamResponse>, Status> {
        soon("an answer", self.incoming.message()).await
    }

    /// Says a frame and gives how far it was acknowledged.
    pub async fn acknowledged(&mut self, frame: Frame) -> u64 {
        self.say(Request::Frame(frame)).await;
        match self.hear().await {
            Response::Ack(ack) => ack.through_sequence,
            other => panic!("{other:?} instead of an acknowledgement"),
        }
    }

    /// Says a frame and gives why it was refused, and whether it may come again.
    pub async fn refused(&mut self, frame: Frame) -> (String, bool) {
        self.say(Request::Frame(frame)).await;
        match self.hear().await {
            Response::Nack(nack) => (nack.reason().as_str_name().replace("NACK_REASON_", ""), nack.retryable),
            other => panic!("{other:?} instead of a refusal"),
        }
    }
}

pub fn hello(producer: &str, epoch: Epoch, lane: Lane) -> Hello {
    let state =
        LaneState { lane: lane as i32, oldest_available_sequence: 1, next_sequence: 1, highest_sent_sequence: 0 };
    Hello {
        producer_id: producer.to_owned(),
        epoch: epoch.to_vec(),
        protocol_version: 1,
        lanes: vec![state],
        codecs: vec![Codec::Zstd as i32, Codec::Raw as i32],
    }
}

/// Records observed now, numbered from `first`, as context 1 has them.
pub fn records(context: &Context, first: u64, count: u64) -> Vec<Record> {
    let (context, now) = (Arc::new(context.clone()), now_nanos());
    (0..count)
        .map(|i| Record {
            context: context.clone(),
            event_sequence: first + i,
            observed_unix_nanos: now + i * Duration::from_millis(1).as_nanos() as u64,
            ..Record::default()
        })
        .collect()
}

pub fn frame(epoch: &Epoch, lane: Lane, first: u64, records: &[Record]) -> Frame {
    sealed(epoch, lane, first, records.len() as u32, batch::to_bytes(records, &vec![1; records.len()]).unwrap())
}

/// A frame around this payload, whatever it is.
pub fn sealed(epoch: &Epoch, lane: Lane, first_sequence: u64, count: u32, payload: Vec<u8>) -> Frame {
    Frame {
        lane: lane as i32,
        first_sequence,
        count,
        codec: Codec::Raw as i32,
        checksum_crc32c: checksum(epoch, lane, first_sequence, count, &payload),
        payload,
    }
}
