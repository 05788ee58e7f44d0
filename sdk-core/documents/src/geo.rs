//! Distances on the sphere, for radius searches, route contiguity and corridors.

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

/// Distance in metres from a point to the nearest point of a line of great circles; infinite for an empty line.
pub fn distance_to_line_m(point: (f64, f64), line: &[(f64, f64)]) -> f64 {
    let ends = line.iter().map(|end| distance_m(point, *end));
    let pieces = line.windows(2).map(|piece| distance_to_piece_m(point, piece[0], piece[1]));
    ends.chain(pieces).fold(f64::INFINITY, f64::min)
}

/// Cross-track distance to the great circle from `from` to `to`; infinite where the nearest point is an end.
fn distance_to_piece_m(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let along = |a: (f64, f64), b: (f64, f64)| distance_m(a, b) / EARTH_RADIUS_M;
    let (length, to_point) = (along(from, to), along(from, point));
    let angle = bearing(from, point) - bearing(from, to);
    let across = (to_point.sin() * angle.sin()).clamp(-1.0, 1.0).asin();
    // How far along the piece the point's foot lies; behind the start it is negative.
    let foot = (to_point.cos() / across.cos()).clamp(-1.0, 1.0).acos() * angle.cos().signum();
    if (0.0..=length).contains(&foot) { across.abs() * EARTH_RADIUS_M } else { f64::INFINITY }
}

/// Initial bearing of the great circle from one point to another, in radians from north.
fn bearing(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (lat1, lat2) = (from.0.to_radians(), to.0.to_radians());
    let dlon = (to.1 - from.1).to_radians();
    (dlon.sin() * lat2.cos()).atan2(lat1.cos() * lat2.sin() - lat1.sin() * lat2.cos() * dlon.cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_beside_a_line() {
        let line = [(32.0, -97.0), (32.0, -96.0), (30.0, -96.0)];
        // A hundredth of a degree of latitude is 1112 m; the first piece bows some 200 m to the north of its parallel.
        let beside = distance_to_line_m((32.01, -96.5), &line);
        assert!((700.0..1_112.0).contains(&beside), "{beside}");
        let across = distance_to_line_m((31.0, -96.01), &line);
        assert!((across - 953.0).abs() < 5.0, "{across}");
        assert!(distance_to_line_m((32.0, -97.0), &line) < 1e-6);
        let beyond = distance_to_line_m((32.0, -97.1), &line);
        assert!((beyond - distance_m((32.0, -97.1), (32.0, -97.0))).abs() < 1.0, "{beyond}");
        assert!(distance_to_line_m((0.0, 1.0), &[]).is_infinite());
    }

    #[test]
    fn chicago_to_los_angeles() {
        let miles = distance_mi((41.8781, -87.6298), (34.0522, -118.2437));
        assert!((miles - 1744.0).abs() < 3.0, "{miles}");
        assert!(distance_m((89.0, 10.0), (89.0, 10.0)).abs() < 1e-9);
    }
}
