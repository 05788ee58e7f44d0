//! From natural units to scaled integers and back. Every conversion rounds to the nearest integer, halves away from zero
//! (`f64::round`), once; the way back divides once, so that `from(to(x)) == x` for every scaled integer.

use super::wire::{Kinematics, Location};
use crate::error::{Code, Error, Result};

/// 1e-7 degree, about 1.1 cm of latitude.
const E7: f64 = 1e7;
/// Thousandths: mm per m, mm/s per m/s, 0.001 degree per degree.
const MILLI: f64 = 1e3;
/// Hundredths of a degree.
const CENTI: f64 = 1e2;

impl Location {
    /// A position from degrees (WGS 84, north and east positive). Rounds to 1e-7 degree.
    ///
    /// Errors: `invalid_argument` unless latitude is within ±90 and longitude within ±180.
    pub fn from_degrees(latitude: f64, longitude: f64) -> Result<Self> {
        Ok(Self {
            latitude_e7_deg: signed("latitude", latitude, E7, 90.0)?,
            longitude_e7_deg: signed("longitude", longitude, E7, 180.0)?,
            ..Self::default()
        })
    }

    /// Adds the height above the ellipsoid from metres. Rounds to a millimetre.
    ///
    /// Errors: `invalid_argument` beyond ±100 km.
    pub fn with_altitude_m(mut self, metres: f64) -> Result<Self> {
        self.altitude_mm = Some(signed("altitude", metres, MILLI, 100_000.0)?);
        Ok(self)
    }

    /// Adds the accuracies (68 %) from metres; 0 means not stated. Rounds to a millimetre.
    ///
    /// Errors: `invalid_argument` for a negative value or one beyond 1000 km.
    pub fn with_accuracy_m(mut self, horizontal: f64, vertical: f64) -> Result<Self> {
        self.horizontal_accuracy_mm = unsigned("horizontal accuracy", horizontal, MILLI, 1e6)?;
        self.vertical_accuracy_mm = unsigned("vertical accuracy", vertical, MILLI, 1e6)?;
        Ok(self)
    }

    /// Latitude in degrees.
    pub fn latitude_deg(&self) -> f64 {
        f64::from(self.latitude_e7_deg) / E7
    }

    /// Longitude in degrees.
    pub fn longitude_deg(&self) -> f64 {
        f64::from(self.longitude_e7_deg) / E7
    }

    /// Height above the ellipsoid in metres.
    pub fn altitude_m(&self) -> Option<f64> {
        self.altitude_mm.map(|mm| f64::from(mm) / MILLI)
    }
}

impl Kinematics {
    /// Motion from metres per second and degrees clockwise from north. Rounds to 1 mm/s and 0.01 degree; a heading is taken
    /// modulo 360.
    ///
    /// Errors: `invalid_argument` beyond ±1000 m/s, or for a heading that is not finite.
    pub fn from_motion(speed_mps: f64, heading_deg: f64) -> Result<Self> {
        if !heading_deg.is_finite() {
            return Err(out_of_range("heading", heading_deg));
        }
        let heading = (heading_deg.rem_euclid(360.0) * CENTI).round() as u32 % 36_000;
        let speed_mmps = signed("speed", speed_mps, MILLI, 1000.0)?;
        Ok(Self { speed_mmps, heading_cdeg: heading, ..Self::default() })
    }

    /// Adds accelerations from metres per second squared (forwards, to the left). Rounds to 1 mm/s².
    ///
    /// Errors: `invalid_argument` beyond ±1000 m/s².
    pub fn with_acceleration_mps2(mut self, longitudinal: f64, lateral: f64) -> Result<Self> {
        self.accel_longitudinal_mmps2 = signed("longitudinal acceleration", longitudinal, MILLI, 1000.0)?;
        self.accel_lateral_mmps2 = signed("lateral acceleration", lateral, MILLI, 1000.0)?;
        Ok(self)
    }

    /// Adds the rate of turn from degrees per second. Rounds to 0.001 degree per second.
    ///
    /// Errors: `invalid_argument` beyond ±10000 degrees per second.
    pub fn with_yaw_rate_degps(mut self, rate: f64) -> Result<Self> {
        self.yaw_rate_mdegps = signed("yaw rate", rate, MILLI, 10_000.0)?;
        Ok(self)
    }

    /// Speed in metres per second.
    pub fn speed_mps(&self) -> f64 {
        f64::from(self.speed_mmps) / MILLI
    }

    /// Heading in degrees clockwise from north.
    pub fn heading_deg(&self) -> f64 {
        f64::from(self.heading_cdeg) / CENTI
    }
}

fn signed(what: &str, value: f64, scale: f64, limit: f64) -> Result<i32> {
    if !value.is_finite() || value.abs() > limit {
        return Err(out_of_range(what, value));
    }
    Ok((value * scale).round() as i32)
}

fn unsigned(what: &str, value: f64, scale: f64, limit: f64) -> Result<u32> {
    if !value.is_finite() || !(0.0..=limit).contains(&value) {
        return Err(out_of_range(what, value));
    }
    Ok((value * scale).round() as u32)
}

fn out_of_range(what: &str, value: f64) -> Error {
    Error::new(Code::InvalidArgument, format!("{what} {value} is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_once_and_comes_back() {
        let place = Location::from_degrees(37.721, -122.472_299_1).expect("in range");
        assert_eq!((place.latitude_e7_deg, place.longitude_e7_deg), (377_210_000, -1_224_722_991));
        let again = Location::from_degrees(place.latitude_deg(), place.longitude_deg()).expect("in range");
        assert_eq!(again, place);
        let motion = Kinematics::from_motion(-0.000_5, 359.996).expect("in range");
        assert_eq!((motion.speed_mmps, motion.heading_cdeg), (-1, 0));
        assert_eq!(Kinematics::from_motion(7.974, -90.0).expect("in range").heading_cdeg, 27_000);
    }

    #[test]
    fn refuses_what_no_vehicle_reports() {
        for (lat, lon) in [(90.1, 0.0), (0.0, 180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Location::from_degrees(lat, lon).expect_err("refused").code(), Code::InvalidArgument);
        }
        assert!(Kinematics::from_motion(1.0, f64::NAN).is_err());
        assert!(Location::default().with_accuracy_m(-1.0, 0.0).is_err());
    }
}
