//! A record as OTLP, as the brief of such systems has it: a span, or a log record, with one attribute per value. Resource and
//! scope are those that an SDK puts into every request, and hold nothing of the record.

use gladhand_documents::telemetry::Record;
use gladhand_documents::telemetry::mapping::Value;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use crate::sensors::attributes;

fn key_values(record: &Record) -> Vec<KeyValue> {
    let any = |value: Value<'_>| match value {
        Value::Text(text) => any_value::Value::StringValue(text.to_owned()),
        Value::Number(number) => any_value::Value::DoubleValue(number),
        Value::Integer(integer) => any_value::Value::IntValue(integer),
    };
    attributes(record)
        .map(|(key, value)| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(any(value)) }),
            ..KeyValue::default()
        })
        .collect()
}

fn resource() -> Option<Resource> {
    let said = [
        ("service.name", "vehicle-gateway"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.version", "0.33.1"),
    ];
    let attribute = |(key, text): (&str, &str)| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) }),
        ..KeyValue::default()
    };
    Some(Resource { attributes: said.map(attribute).into(), ..Resource::default() })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope { name: "bench".to_owned(), ..InstrumentationScope::default() })
}

/// Log records, without an SDK: what OTLP itself costs.
pub fn logs(records: &[Record]) -> Vec<u8> {
    let log = |record: &Record| LogRecord {
        time_unix_nano: record.observed_unix_nanos,
        observed_time_unix_nano: record.observed_unix_nanos,
        attributes: key_values(record),
        ..LogRecord::default()
    };
    let scope_logs =
        vec![ScopeLogs { scope: scope(), log_records: records.iter().map(log).collect(), ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { resource: resource(), scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

/// Spans, without an SDK.
pub fn spans(records: &[Record]) -> Vec<u8> {
    let span = |record: &Record| Span {
        trace_id: vec![0x4b; 16],
        span_id: record.event_sequence.to_be_bytes().to_vec(),
        name: "enroute".to_owned(),
        start_time_unix_nano: record.observed_unix_nanos,
        end_time_unix_nano: record.observed_unix_nanos,
        attributes: key_values(record),
        ..Span::default()
    };
    let scope_spans =
        vec![ScopeSpans { scope: scope(), spans: records.iter().map(span).collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}
