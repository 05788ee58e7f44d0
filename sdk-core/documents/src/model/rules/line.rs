//! Lines and areas: encoded polylines of five decimals, and the GeoJSON shapes that the contract names (RFC 7946; 3c).

use crate::json::Value;

/// A point in degrees: latitude, longitude.
pub type Point = (f64, f64);

/// The points of a polyline of five decimals; `None` where the text is none, or leaves the globe.
pub fn decode(text: &str) -> Option<Vec<Point>> {
    let mut numbers = Vec::new();
    let (mut value, mut shift) = (0_i64, 0_u32);
    for byte in text.bytes() {
        let chunk = i64::from(byte.checked_sub(63).filter(|chunk| *chunk < 64)?);
        // Six chunks hold every longitude; more is no coordinate.
        if shift > 25 {
            return None;
        }
        value |= (chunk & 0x1f) << shift;
        shift += 5;
        if chunk & 0x20 == 0 {
            numbers.push(if value & 1 == 1 { !(value >> 1) } else { value >> 1 });
            (value, shift) = (0, 0);
        }
    }
    if shift != 0 || numbers.len() % 2 != 0 {
        return None;
    }
    let mut at = (0_i64, 0_i64);
    let mut points = Vec::with_capacity(numbers.len() / 2);
    for pair in numbers.chunks_exact(2) {
        at = (at.0 + pair[0], at.1 + pair[1]);
        points.push(on_globe((at.0 as f64 / 1e5, at.1 as f64 / 1e5))?);
    }
    Some(points)
}

/// The points of a corridor: of its polyline, or of its LineString.
pub fn of_corridor(corridor: Value<'_>) -> Option<Vec<Point>> {
    match corridor.get("polyline5").and_then(Value::text) {
        Some(text) => decode(&text),
        None => of(corridor.get("geoJson")?),
    }
}

/// The points of a GeoJSON LineString; `None` where it is none.
pub fn of(shape: Value<'_>) -> Option<Vec<Point>> {
    if shape.get("type")?.text()? != "LineString" {
        return None;
    }
    let points = positions(shape.get("coordinates")?)?;
    (points.len() >= 2).then_some(points)
}

/// Whether this is a GeoJSON Polygon whose rings are closed.
pub fn is_polygon(shape: Value<'_>) -> bool {
    let rings = shape.get("coordinates").filter(|rings| rings.is_array() && !rings.is_empty());
    shape.get("type").and_then(Value::text).as_deref() == Some("Polygon")
        && rings.is_some_and(|rings| {
            rings.items().all(|ring| {
                let first = ring.items().next().map(Value::raw);
                let closed = first.is_some() && first == ring.items().next_back().map(Value::raw);
                closed && positions(ring).is_some_and(|points| points.len() >= 4)
            })
        })
}

fn positions(list: Value<'_>) -> Option<Vec<Point>> {
    if !list.is_array() {
        return None;
    }
    list.items()
        .map(|position| {
            let mut numbers = position.items().map(|n| n.number()?.parse::<f64>().ok());
            let (lon, lat) = (numbers.next()??, numbers.next()??);
            on_globe((lat, lon))
        })
        .collect()
}

fn on_globe((lat, lon): Point) -> Option<Point> {
    ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)).then_some((lat, lon))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    /// The example of the format's description.
    #[test]
    fn the_polyline_of_the_format() {
        let points = decode("_p~iF~ps|U_ulLnnqC_mqNvxq`@").unwrap();
        assert_eq!(points, [(38.5, -120.2), (40.7, -120.95), (43.252, -126.453)]);
        for broken in ["_p~iF", "_p~iF~ps|U_", "\u{1}\u{1}", "~~~~~~~~~~~~"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    #[test]
    fn shapes() {
        let shape = |text: &str| Document::parse(text).unwrap();
        let line = shape(r#"{"type":"LineString","coordinates":[[-96.8,32.8],[-95.4,29.8,120.0]]}"#);
        assert_eq!(of(line.root()).unwrap(), [(32.8, -96.8), (29.8, -95.4)]);
        assert!(of(shape(r#"{"type":"LineString","coordinates":[[32.8,-96.8],[29.8,-95.4]]}"#).root()).is_none());
        let ring = "[[-97,32],[-96,32],[-96,33],[-97,32]]";
        assert!(is_polygon(shape(&format!(r#"{{"type":"Polygon","coordinates":[{ring}]}}"#)).root()));
        let open = "[[-97,32],[-96,32],[-96,33],[-97,33]]";
        assert!(!is_polygon(shape(&format!(r#"{{"type":"Polygon","coordinates":[{open}]}}"#)).root()));
        assert!(!is_polygon(shape(r#"{"type":"Polygon","coordinates":[]}"#).root()));
    }
}
