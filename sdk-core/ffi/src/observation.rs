//! A record from what a language passes: text that many records share, and measurements in natural units. The rounding is
//! that of [`gladhand_documents::telemetry::units`]: to the nearest scaled integer, halves away from zero, once.

use std::sync::Arc;

use gladhand::Result;
use gladhand_documents::error::{Code, Error};
use gladhand_documents::telemetry::{
    AutonomyMode, Context, Kinematics, Location, Record, SaeLevel, SensorDef, SensorHealth, SensorKind, SensorStatus,
    SpanId, TraceId,
};

/// What a record says in words, by the contract's names.
#[derive(Clone, Debug, Default)]
pub struct Labels<'a> {
    /// The vehicle.
    pub vehicle_id: &'a str,
    /// The TMS's load; empty between loads, like the two that follow.
    pub load_id: &'a str,
    /// The capacity that was tendered.
    pub capacity_id: &'a str,
    /// The dispatch.
    pub dispatch_id: &'a str,
    /// Who drove.
    pub autonomy_mode: &'a str,
    /// At which level.
    pub autonomy_level: &'a str,
    /// W3C trace id, lower-case hexadecimal; empty for none.
    pub trace_id: &'a str,
    /// W3C span id, lower-case hexadecimal; empty for none.
    pub span_id: &'a str,
    /// The sensors, each with how it is.
    pub sensors: Vec<SensorState<'a>>,
}

/// A sensor and how it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct SensorState<'a> {
    /// What it is.
    pub kind: &'a str,
    /// How it is.
    pub status: &'a str,
    /// Which of its kind, from 0.
    pub position: u32,
    /// The carrier's name for it.
    pub name: &'a str,
    /// Its score in thousandths.
    pub score_permille: Option<u32>,
}

/// What a record measures. Degrees are WGS 84, the heading clockwise from north; acceleration is forwards and to the left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Latitude, degrees.
    pub lat: Option<f64>,
    /// Longitude, degrees.
    pub lon: Option<f64>,
    /// Height above the ellipsoid, metres.
    pub altitude_m: Option<f64>,
    /// Horizontal accuracy (68 %), metres; 0 for not stated.
    pub horizontal_accuracy_m: f64,
    /// Vertical accuracy (68 %), metres; 0 for not stated.
    pub vertical_accuracy_m: f64,
    /// Speed, metres per second.
    pub speed_mps: Option<f64>,
    /// Heading, degrees.
    pub heading_deg: Option<f64>,
    /// Acceleration, metres per second squared.
    pub acceleration_mps2: (f64, f64),
    /// Rate of turn, degrees per second.
    pub yaw_rate_degps: f64,
}

/// What many records have in common; a record is made by adding when and what was measured.
#[derive(Clone, Debug)]
pub struct Template(Record);

impl Template {
    /// A template with these labels. Where `last` has the same context, it is shared.
    ///
    /// Errors: `invalid_argument` naming what the contract does not know.
    pub fn new(labels: &Labels<'_>, last: Option<&Self>) -> Result<Self> {
        let mut sensors = Vec::with_capacity(labels.sensors.len());
        let mut sensor_health = Vec::with_capacity(labels.sensors.len());
        for (index, sensor) in labels.sensors.iter().enumerate() {
            let status = known("sensor status", sensor.status, SensorStatus::parse)?;
            let kind = known("sensor kind", sensor.kind, SensorKind::parse)?;
            let score_permille = sensor.score_permille;
            sensor_health.push(SensorHealth { sensor_index: index as u32, status, score_permille });
            sensors.push(SensorDef { kind, position: sensor.position, name: sensor.name.to_owned() });
        }
        let context = Context {
            vehicle_id: labels.vehicle_id.to_owned(),
            load_id: labels.load_id.to_owned(),
            capacity_id: labels.capacity_id.to_owned(),
            dispatch_id: labels.dispatch_id.to_owned(),
            sensors,
        };
        let context = match last {
            Some(Self(last)) if *last.context == context => last.context.clone(),
            _ => Arc::new(context),
        };
        Ok(Self(Record {
            context,
            sensor_health,
            autonomy_mode: known("autonomy mode", labels.autonomy_mode, AutonomyMode::parse)?,
            autonomy_level: known("autonomy level", labels.autonomy_level, SaeLevel::parse)?,
            trace_id: id("trace id", labels.trace_id, TraceId::parse)?,
            span_id: id("span id", labels.span_id, SpanId::parse)?,
            ..Record::default()
        }))
    }

    /// A record that was observed then; `event_sequence` 0 lets the gateway number it.
    ///
    /// Errors: `invalid_argument` for a measurement out of range, or half a pair.
    pub fn record(&self, observed_unix_nanos: u64, event_sequence: u64, measured: &Measured) -> Result<Record> {
        let (location, kinematics) = (measured.location()?, measured.kinematics()?);
        Ok(Record { event_sequence, observed_unix_nanos, location, kinematics, ..self.0.clone() })
    }
}

impl Measured {
    fn location(&self) -> Result<Option<Location>> {
        let (lat, lon) = match (self.lat, self.lon) {
            (Some(lat), Some(lon)) => (lat, lon),
            (None, None) => return Ok(None),
            _ => return Err(Error::new(Code::InvalidArgument, "lat and lon belong together")),
        };
        let location =
            Location::from_degrees(lat, lon)?.with_accuracy_m(self.horizontal_accuracy_m, self.vertical_accuracy_m)?;
        self.altitude_m.map_or(Ok(location), |metres| location.with_altitude_m(metres)).map(Some)
    }

    fn kinematics(&self) -> Result<Option<Kinematics>> {
        let (speed, heading) = match (self.speed_mps, self.heading_deg) {
            (Some(speed), Some(heading)) => (speed, heading),
            (None, None) => return Ok(None),
            _ => return Err(Error::new(Code::InvalidArgument, "speed and heading belong together")),
        };
        let (longitudinal, lateral) = self.acceleration_mps2;
        let motion = Kinematics::from_motion(speed, heading)?;
        motion.with_acceleration_mps2(longitudinal, lateral)?.with_yaw_rate_degps(self.yaw_rate_degps).map(Some)
    }
}

/// The value of a name of the contract.
///
/// Errors: `invalid_argument`.
pub fn known<T>(what: &str, text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    parse(text).ok_or_else(|| Error::new(Code::InvalidArgument, format!("{text:?} is no {what} of the contract")))
}

fn id<T>(what: &str, text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = || Error::new(Code::InvalidArgument, format!("{text:?} is no {what}: lower-case hexadecimal, not zero"));
    parse(text).map(Some).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels<'static> {
        Labels {
            vehicle_id: "v",
            autonomy_mode: "manual",
            autonomy_level: "sae_4",
            sensors: vec![SensorState { kind: "lidar", status: "degraded", ..SensorState::default() }],
            ..Labels::default()
        }
    }

    #[test]
    fn templates_share_a_context_and_nothing_else() {
        let first = Template::new(&labels(), None).expect("a template");
        let mut changed = labels();
        changed.sensors[0].status = "failed";
        let second = Template::new(&changed, Some(&first)).expect("a template");
        assert!(Arc::ptr_eq(&first.0.context, &second.0.context));
        assert_eq!(second.0.sensor_health[0].status, SensorStatus::FAILED);
        changed.load_id = "l";
        let third = Template::new(&changed, Some(&second)).expect("a template");
        assert_eq!(third.0.context.load_id, "l");
    }

    #[test]
    fn what_the_contract_does_not_know_is_named() {
        for (broken, problem) in [
            (Labels { autonomy_mode: "warp", ..labels() }, "warp"),
            (Labels { trace_id: "00", ..labels() }, "trace id"),
            (Labels { autonomy_level: "sae_9", ..labels() }, "sae_9"),
        ] {
            let error = Template::new(&broken, None).expect_err("refused");
            assert!(error.message().contains(problem), "{}", error.message());
        }
        let template = Template::new(&labels(), None).expect("a template");
        let half = Measured { lat: Some(1.0), ..Measured::default() };
        assert!(template.record(1, 0, &half).is_err());
    }
}
