//! A batch as an Arrow IPC stream. The ids are in the schema's metadata, once per stream of one batch; the rest are columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, ListBuilder, UInt8Builder};
use arrow_array::{ArrayRef, Int32Array, RecordBatch, UInt8Array, UInt32Array, UInt64Array};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field, Schema};
use gladhand_documents::telemetry::{Kinematics, Location, Record};

/// The stream with the schema and this one batch.
pub fn stream(records: &[Record]) -> Vec<u8> {
    let located = |value: fn(&Location) -> i32| -> ArrayRef {
        Arc::new(records.iter().map(|r| r.location.as_ref().map(value)).collect::<Int32Array>())
    };
    let moving = |value: fn(&Kinematics) -> i32| -> ArrayRef {
        Arc::new(records.iter().map(|r| r.kinematics.as_ref().map(value)).collect::<Int32Array>())
    };
    let mut sensors = FixedSizeListBuilder::new(UInt8Builder::new(), records[0].sensor_health.len() as i32);
    let mut faults = ListBuilder::new(UInt8Builder::new());
    for record in records {
        for health in &record.sensor_health {
            sensors.values().append_value(health.status.0 as u8);
        }
        sensors.append(true);
        for fault in &record.faults {
            let sensor = fault.sensor_index.map_or(255, |index| index as u8);
            faults.values().append_slice(&[fault.code.0 as u8, fault.severity.0 as u8, sensor, fault.active.into()]);
        }
        faults.append(true);
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("eventSequence", Arc::new(records.iter().map(|r| r.event_sequence).collect::<UInt64Array>())),
        ("observedUnixNanos", Arc::new(records.iter().map(|r| r.observed_unix_nanos).collect::<UInt64Array>())),
        ("latitudeE7Deg", located(|l| l.latitude_e7_deg)),
        ("longitudeE7Deg", located(|l| l.longitude_e7_deg)),
        ("altitudeMm", located(|l| l.altitude_mm.unwrap_or_default())),
        (
            "horizontalAccuracyMm",
            Arc::new(records.iter().map(|r| r.location.map(|l| l.horizontal_accuracy_mm)).collect::<UInt32Array>()),
        ),
        ("speedMmps", moving(|k| k.speed_mmps)),
        ("headingCdeg", moving(|k| k.heading_cdeg as i32)),
        ("accelLongitudinalMmps2", moving(|k| k.accel_longitudinal_mmps2)),
        ("accelLateralMmps2", moving(|k| k.accel_lateral_mmps2)),
        ("yawRateMdegps", moving(|k| k.yaw_rate_mdegps)),
        ("autonomyMode", Arc::new(records.iter().map(|r| r.autonomy_mode.0 as u8).collect::<UInt8Array>())),
        ("autonomyLevel", Arc::new(records.iter().map(|r| r.autonomy_level.0 as u8).collect::<UInt8Array>())),
        ("sensorStatus", Arc::new(sensors.finish())),
        ("faults", Arc::new(faults.finish())),
    ];
    let context = &records[0].context;
    let ids = [
        ("vehicleId", &context.vehicle_id),
        ("loadId", &context.load_id),
        ("capacityId", &context.capacity_id),
        ("dispatchId", &context.dispatch_id),
    ];
    let metadata: HashMap<String, String> = ids.map(|(key, id)| (key.to_owned(), id.clone())).into();
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(schema.clone(), columns).expect("columns of one length");
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).expect("a schema");
    writer.write(&batch).expect("a batch");
    writer.into_inner().expect("the end of the stream")
}
