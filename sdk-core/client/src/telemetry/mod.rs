//! Telemetry over the network: a vehicle gateway publishes, a TMS follows.
//!
//! * [`Gateway`]: takes records, keeps them until the collector acknowledged them, and reconnects by itself.
//! * [`Follow`]: where the trucks of some loads are, and how fresh that is.
//! * [`Connector`]: where a stream's connection and token come from; [`Authorized`](crate::auth::Authorized) is one.
//! * `carriers`: which load is whose. `stream`: the gateway's stream.
//! * `refusal`: what a broken stream means. `position`: a record as the document `Position`.
//! * `stub`: the services' client side, generated.
//!
//! The rules of the stream are `gladhand_protocol::telemetry`; nothing here decides what is sent, dropped or shown.

mod carriers;
mod connector;
mod follow;
mod gateway;
mod position;
mod refusal;
mod stream;
#[rustfmt::skip]
mod stub;

pub(crate) use carriers::follow;
pub use connector::{Connection, Connector};
pub use follow::Follow;
pub use gateway::{Gateway, GatewayOptions, GatewayStatus};
pub use gladhand_documents::telemetry::{
    AutonomyMode, Context, Fault, FaultCode, FaultSeverity, Kinematics, Lane, Location, Record, SaeLevel, SensorDef,
    SensorHealth, SensorKind, SensorStatus, SpanId, TraceId, json, minute,
};
pub use gladhand_protocol::telemetry::{Admission, Conservation, DropPolicy, LanePolicy, Policies, Published};
