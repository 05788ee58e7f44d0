//! Vehicle telemetry: the record, the columnar batch and the frame around it.
//!
//! * [`Record`]: one observation of one vehicle, the object of the API in every language.
//! * [`batch`]: many records as columns, lossless and small; what a frame carries.
//! * [`frame`]: the checksum and the compression of a frame.
//! * [`lane_name`]: what a lane is called in files, metrics and answers.
//! * [`json`]: the record as JSON, with the names of the contract.
//! * [`mapping`]: the record in the words of OpenTelemetry, COVESA VSS, NMFTA and X12.
//! * [`minute`]: the line format of the recorded highway minute and of synthetic traces.
//! * [`open`]: enumerations that keep a number they do not know.
//! * [`units`]: from degrees and metres per second to scaled integers, with the rounding stated.
//! * [`wire`]: the messages of `proto/gladhand/telemetry/v1`, generated.
//!
//! Nothing here knows of streams, lanes or credit; that is `gladhand_protocol::telemetry`.

pub mod batch;
pub mod frame;
pub mod json;
pub mod mapping;
pub mod minute;
pub mod open;
pub mod record;
pub mod units;
#[rustfmt::skip]
pub mod wire;

mod convert;
mod lane;

pub use lane::lane_name;
pub use open::{AutonomyMode, FaultCode, FaultSeverity, SaeLevel, SensorKind, SensorStatus};
pub use record::{Context, Fault, Record, SensorDef, SensorHealth, SpanId, TraceId};
pub use wire::{Codec, DropReason, Durability, Kinematics, Lane, Location};
