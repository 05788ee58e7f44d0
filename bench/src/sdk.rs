//! The OpenTelemetry SDK for Rust: a span per record, from the tracer to the bytes of an export request. Its processor hands over
//! hundreds of spans on the same thread, without a queue, which is kinder to it than its own batch processor.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use gladhand_documents::telemetry::Record;
use gladhand_documents::telemetry::mapping::Value;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, SpanBuilder, Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor};
use prost::Message as _;

use crate::sensors::attributes;

/// Keeps what has ended.
#[derive(Clone, Debug, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().expect("one thread").push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

pub struct Sdk {
    ended: Ended,
    tracer: SdkTracer,
    _provider: SdkTracerProvider,
}

impl Sdk {
    pub fn new() -> Self {
        let ended = Ended::default();
        let provider = SdkTracerProvider::builder().with_span_processor(ended.clone()).build();
        Self { ended, tracer: provider.tracer("bench"), _provider: provider }
    }

    /// The bytes of the export request of these records.
    pub fn encode(&self, records: &[Record]) -> Vec<u8> {
        for record in records {
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(record.observed_unix_nanos);
            let attribute = |(key, value): (&'static str, Value<'_>)| match value {
                Value::Text(text) => KeyValue::new(key, text.to_owned()),
                Value::Number(number) => KeyValue::new(key, number),
                Value::Integer(integer) => KeyValue::new(key, integer),
            };
            let span = SpanBuilder::from_name("enroute")
                .with_start_time(time)
                .with_attributes(attributes(record).map(attribute).collect::<Vec<_>>());
            self.tracer.build(span).end_with_timestamp(time);
        }
        let spans = std::mem::take(&mut *self.ended.0.lock().expect("one thread"));
        let resource_spans = group_spans_by_resource_and_scope(spans, &ResourceAttributesWithSchema::default());
        ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    }
}
