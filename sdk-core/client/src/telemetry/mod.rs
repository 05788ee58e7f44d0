//! Telemetry over the network: a vehicle gateway publishes, a TMS follows.
//!
//! * [`Gateway`]: takes records, keeps them until the collector acknowledged them, and reconnects by itself.
//! * [`Follow`]: where the trucks of some loads are, and how fresh that is.
//! * [`Connector`]: where a stream's connection and token come from; [`Authorized`](crate::auth::Authorized) is one.
//! * [`spool`]: what a gateway keeps on disk.
//! * `carriers`: which load is whose. `stream`: one of the gateway's two streams. `keeper`: what it does by time. `status`.
//! * `refusal`: what a broken stream means. `position`: a record as the document `Position`.
//! * `stub`: the services' client side, generated.
//!
//! The rules of the stream are `gladhand_protocol::telemetry`; nothing here decides what is sent, dropped or shown.

mod carriers;
mod connector;
mod follow;
mod gateway;
#[cfg(test)]
mod gateway_tests;
mod keeper;
mod position;
mod refusal;
pub mod spool;
mod status;
mod stream;
#[rustfmt::skip]
mod stub;

pub(crate) use carriers::follow;
pub use connector::{Connection, Connector};
pub use follow::Follow;
pub use gateway::{Gateway, GatewayOptions};
pub use gladhand_documents::telemetry::{
    AutonomyMode, Context, DropReason, Fault, FaultCode, FaultSeverity, Kinematics, Lane, Location, Record, SaeLevel,
    SensorDef, SensorHealth, SensorKind, SensorStatus, SpanId, TraceId, json, minute,
};
pub use gladhand_protocol::telemetry::{Admission, Conservation, DropPolicy, LANES, LanePolicy, Policies, Published};
pub use status::{GatewayStatus, LaneCounts, SpoolStatus};
