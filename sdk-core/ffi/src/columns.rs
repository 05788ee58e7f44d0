//! Many records of one vehicle from columns: each an array with one value per record, or empty if it is not stated. NaN in a
//! column of measurements is a value that is not stated.

use gladhand::Result;
use gladhand_documents::error::{Code, Error};
use gladhand_documents::telemetry::{AutonomyMode, Location, Record, SaeLevel};

use crate::observation::{Measured, Template};

/// The columns, named and measured as [`Measured`].
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// When each record was observed, nanoseconds since 1970-01-01T00:00:00Z; how many records there are.
    pub observed_unix_nanos: Vec<u64>,
    /// The source's own numbers; without them the gateway numbers the records.
    pub event_sequence: Vec<u64>,
    /// Degrees.
    pub lat: Vec<f64>,
    /// Degrees.
    pub lon: Vec<f64>,
    /// 1e-7 degree, instead of [`Columns::lat`].
    pub latitude_e7_deg: Vec<i32>,
    /// 1e-7 degree, instead of [`Columns::lon`].
    pub longitude_e7_deg: Vec<i32>,
    /// Metres.
    pub altitude_m: Vec<f64>,
    /// Metres.
    pub horizontal_accuracy_m: Vec<f64>,
    /// Metres.
    pub vertical_accuracy_m: Vec<f64>,
    /// Metres per second.
    pub speed_mps: Vec<f64>,
    /// Degrees.
    pub heading_deg: Vec<f64>,
    /// Metres per second squared, forwards.
    pub acceleration_longitudinal_mps2: Vec<f64>,
    /// Metres per second squared, to the left.
    pub acceleration_lateral_mps2: Vec<f64>,
    /// Degrees per second.
    pub yaw_rate_degps: Vec<f64>,
    /// Numbers of the telemetry contract, instead of the template's mode.
    pub autonomy_mode: Vec<i32>,
    /// Numbers of the telemetry contract, instead of the template's level.
    pub autonomy_level: Vec<i32>,
}

impl Columns {
    /// The records. Errors: `invalid_argument` naming the column of another length, or the row and what is wrong in it.
    pub fn records(&self, template: &Template) -> Result<Vec<Record>> {
        self.check()?;
        let row = |row: usize| {
            let record = self.record(template, row);
            record.map_err(|error| Error::new(error.code(), format!("row {row}: {}", error.message())))
        };
        (0..self.observed_unix_nanos.len()).map(row).collect()
    }

    fn record(&self, template: &Template, row: usize) -> Result<Record> {
        let or_zero = |column: &[f64]| stated(column, row).unwrap_or(0.0);
        let measured = Measured {
            lat: stated(&self.lat, row),
            lon: stated(&self.lon, row),
            altitude_m: stated(&self.altitude_m, row),
            horizontal_accuracy_m: or_zero(&self.horizontal_accuracy_m),
            vertical_accuracy_m: or_zero(&self.vertical_accuracy_m),
            speed_mps: stated(&self.speed_mps, row),
            heading_deg: stated(&self.heading_deg, row),
            acceleration_mps2: (
                or_zero(&self.acceleration_longitudinal_mps2),
                or_zero(&self.acceleration_lateral_mps2),
            ),
            yaw_rate_degps: or_zero(&self.yaw_rate_degps),
        };
        let event_sequence = self.event_sequence.get(row).copied().unwrap_or(0);
        let mut record = template.record(self.observed_unix_nanos[row], event_sequence, &measured)?;
        if let (Some(&latitude_e7_deg), Some(&longitude_e7_deg)) =
            (self.latitude_e7_deg.get(row), self.longitude_e7_deg.get(row))
        {
            let location = Location { latitude_e7_deg, longitude_e7_deg, ..Location::default() };
            let location = location.with_accuracy_m(measured.horizontal_accuracy_m, measured.vertical_accuracy_m)?;
            record.location =
                Some(measured.altitude_m.map_or(Ok(location), |metres| location.with_altitude_m(metres))?);
        }
        if let Some(&mode) = self.autonomy_mode.get(row) {
            record.autonomy_mode = AutonomyMode(mode);
        }
        if let Some(&level) = self.autonomy_level.get(row) {
            record.autonomy_level = SaeLevel(level);
        }
        Ok(record)
    }

    /// Every column has one value per record, and a place is stated in one way.
    fn check(&self) -> Result<()> {
        let rows = self.observed_unix_nanos.len();
        let lengths = [
            ("event_sequence", self.event_sequence.len()),
            ("lat", self.lat.len()),
            ("lon", self.lon.len()),
            ("latitude_e7_deg", self.latitude_e7_deg.len()),
            ("longitude_e7_deg", self.longitude_e7_deg.len()),
            ("altitude_m", self.altitude_m.len()),
            ("horizontal_accuracy_m", self.horizontal_accuracy_m.len()),
            ("vertical_accuracy_m", self.vertical_accuracy_m.len()),
            ("speed_mps", self.speed_mps.len()),
            ("heading_deg", self.heading_deg.len()),
            ("acceleration_longitudinal_mps2", self.acceleration_longitudinal_mps2.len()),
            ("acceleration_lateral_mps2", self.acceleration_lateral_mps2.len()),
            ("yaw_rate_degps", self.yaw_rate_degps.len()),
            ("autonomy_mode", self.autonomy_mode.len()),
            ("autonomy_level", self.autonomy_level.len()),
        ];
        if let Some((name, length)) = lengths.into_iter().find(|(_, length)| *length != 0 && *length != rows) {
            let problem = format!("{name} has {length} value(s) for {rows} observed time(s)");
            return Err(Error::new(Code::InvalidArgument, problem));
        }
        let both = !self.lat.is_empty() && !self.latitude_e7_deg.is_empty();
        if both || self.latitude_e7_deg.is_empty() != self.longitude_e7_deg.is_empty() {
            let problem = "a place is lat and lon, or latitude_e7_deg and longitude_e7_deg";
            return Err(Error::new(Code::InvalidArgument, problem));
        }
        Ok(())
    }
}

/// The value of a row, if there is one.
fn stated(column: &[f64], row: usize) -> Option<f64> {
    column.get(row).copied().filter(|value| !value.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Labels;

    fn template() -> Template {
        let labels = Labels { vehicle_id: "v", autonomy_mode: "manual", autonomy_level: "sae_4", ..Labels::default() };
        Template::new(&labels, None).expect("a template")
    }

    #[test]
    fn values_become_scaled_integers_and_nan_is_nothing() {
        let columns = Columns {
            observed_unix_nanos: vec![5, 6],
            lat: vec![32.776_7, f64::NAN],
            lon: vec![-96.797, f64::NAN],
            altitude_m: vec![f64::NAN, 3.0],
            speed_mps: vec![0.000_5, 29.05],
            heading_deg: vec![359.999, 135.5],
            autonomy_mode: vec![3, 99],
            ..Columns::default()
        };
        let records = columns.records(&template()).expect("records");
        let place = records[0].location.expect("located");
        assert_eq!((place.latitude_e7_deg, place.longitude_e7_deg), (327_767_000, -967_970_000));
        assert_eq!((place.altitude_mm, records[1].location), (None, None));
        let motion = records[0].kinematics.expect("moving");
        assert_eq!((motion.speed_mmps, motion.heading_cdeg), (1, 0), "halves go away from zero; 360 degrees are 0");
        assert_eq!((records[1].observed_unix_nanos, records[1].autonomy_mode), (6, AutonomyMode(99)));
        assert_eq!(records[0].autonomy_level, SaeLevel::L4);
    }

    #[test]
    fn scaled_integers_are_taken_as_they_are() {
        let columns = Columns {
            observed_unix_nanos: vec![5],
            latitude_e7_deg: vec![377_210_001],
            longitude_e7_deg: vec![-5],
            altitude_m: vec![0.001],
            ..Columns::default()
        };
        let place = columns.records(&template()).expect("records")[0].location.expect("located");
        assert_eq!((place.latitude_e7_deg, place.longitude_e7_deg, place.altitude_mm), (377_210_001, -5, Some(1)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let times = || vec![5, 6];
        for (columns, problem) in [
            (Columns { observed_unix_nanos: times(), lat: vec![1.0], ..Columns::default() }, "lat has 1 value(s)"),
            (
                Columns {
                    observed_unix_nanos: times(),
                    lat: vec![1.0, 91.0],
                    lon: vec![0.0, 0.0],
                    ..Columns::default()
                },
                "row 1: latitude 91",
            ),
            (Columns { observed_unix_nanos: times(), lat: vec![1.0, 2.0], ..Columns::default() }, "row 0: lat and lon"),
            (Columns { observed_unix_nanos: times(), latitude_e7_deg: vec![1, 2], ..Columns::default() }, "a place is"),
        ] {
            let error = columns.records(&template()).expect_err("refused");
            assert!(error.message().starts_with(problem), "{}", error.message());
        }
    }
}
