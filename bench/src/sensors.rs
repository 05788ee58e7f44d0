//! What every sensor's status is called as an attribute. The mapping of the contract names the worst of each kind; a record has
//! all of them, and peers that are compared by size have to carry as much.

use gladhand_documents::telemetry::Record;
use gladhand_documents::telemetry::mapping::{Value, opentelemetry};

/// In the order of the traces' sensors.
const KEYS: [&str; 8] = [
    "sensor.lidar.0.status",
    "sensor.lidar.1.status",
    "sensor.lidar.2.status",
    "sensor.radar.0.status",
    "sensor.camera.0.status",
    "sensor.camera.1.status",
    "sensor.imu.0.status",
    "sensor.gnss.0.status",
];

/// The attributes of a record, with each of its sensors.
pub fn attributes(record: &Record) -> impl Iterator<Item = (&'static str, Value<'_>)> {
    let others = opentelemetry::attributes(record).filter(|(key, _)| !key.starts_with("sensor."));
    let sensors = KEYS.iter().zip(&record.sensor_health);
    others.chain(sensors.map(|(key, health)| (*key, Value::Text(health.status.name().unwrap_or_default()))))
}
