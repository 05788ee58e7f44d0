//! Distances on the sphere, for radius searches and route contiguity.

/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS_M: f64 = 6_371_008.8;
/// Metres in a statute mile.
const METRES_PER_MILE: f64 = 1_609.344;

/// Great-circle distance in metres between two points in degrees (haversine).
pub fn distance_m(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (lat1, lat2) = (from.0.to_radians(), to.0.to_radians());
    let (dlat, dlon) = (lat2 - lat1, (to.1 - from.1).to_radians());
    let a = (dlat / 2.0).sin().powi(2) + lat1.cos() * lat2.cos() * (dlon / 2.0).sin().powi(2);
    2.0 * EARTH_RADIUS_M * a.sqrt().min(1.0).asin()
}

/// Great-circle distance in statute miles.
pub fn distance_mi(from: (f64, f64), to: (f64, f64)) -> f64 {
    distance_m(from, to) / METRES_PER_MILE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chicago_to_los_angeles() {
        let miles = distance_mi((41.8781, -87.6298), (34.0522, -118.2437));
        assert!((miles - 1744.0).abs() < 3.0, "{miles}");
        assert!(distance_m((89.0, 10.0), (89.0, 10.0)).abs() < 1e-9);
    }
}
