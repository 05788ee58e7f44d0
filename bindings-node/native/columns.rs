//! Columns from what JavaScript passes: typed arrays.

use gladhand_ffi::columns::Columns;
use gladhand_ffi::{Code, Error};
use napi::bindgen_prelude::{BigInt64Array, BigUint64Array, Float64Array, Int32Array};
use napi_derive::napi;

/// The columns of one call.
#[napi(object, object_to_js = false)]
pub struct ColumnArrays {
    /// Nanoseconds since 1970.
    pub observed_at: Option<BigUint64Array>,
    /// The same, of signed integers.
    pub observed_at_signed: Option<BigInt64Array>,
    /// The source's own numbers.
    pub event_sequence: Option<BigUint64Array>,
    /// Degrees.
    pub lat: Option<Float64Array>,
    /// Degrees.
    pub lon: Option<Float64Array>,
    /// 1e-7 degree.
    pub latitude_e7_deg: Option<Int32Array>,
    /// 1e-7 degree.
    pub longitude_e7_deg: Option<Int32Array>,
    /// Metres.
    pub altitude_m: Option<Float64Array>,
    /// Metres.
    pub horizontal_accuracy_m: Option<Float64Array>,
    /// Metres.
    pub vertical_accuracy_m: Option<Float64Array>,
    /// Metres per second.
    pub speed_mps: Option<Float64Array>,
    /// Degrees.
    pub heading_deg: Option<Float64Array>,
    /// Metres per second squared.
    pub acceleration_longitudinal_mps2: Option<Float64Array>,
    /// Metres per second squared.
    pub acceleration_lateral_mps2: Option<Float64Array>,
    /// Degrees per second.
    pub yaw_rate_degps: Option<Float64Array>,
    /// Numbers of the contract.
    pub autonomy_mode: Option<Int32Array>,
    /// Numbers of the contract.
    pub autonomy_level: Option<Int32Array>,
}

impl TryFrom<ColumnArrays> for Columns {
    type Error = Error;

    fn try_from(arrays: ColumnArrays) -> Result<Self, Error> {
        let early = |_| Error::new(Code::InvalidArgument, "observedAt has a number below 0");
        let observed_unix_nanos = match arrays.observed_at_signed {
            Some(array) => {
                array.iter().map(|&time| u64::try_from(time)).collect::<Result<Vec<u64>, _>>().map_err(early)?
            }
            None => items(arrays.observed_at),
        };
        Ok(Self {
            observed_unix_nanos,
            event_sequence: items(arrays.event_sequence),
            lat: items(arrays.lat),
            lon: items(arrays.lon),
            latitude_e7_deg: items(arrays.latitude_e7_deg),
            longitude_e7_deg: items(arrays.longitude_e7_deg),
            altitude_m: items(arrays.altitude_m),
            horizontal_accuracy_m: items(arrays.horizontal_accuracy_m),
            vertical_accuracy_m: items(arrays.vertical_accuracy_m),
            speed_mps: items(arrays.speed_mps),
            heading_deg: items(arrays.heading_deg),
            acceleration_longitudinal_mps2: items(arrays.acceleration_longitudinal_mps2),
            acceleration_lateral_mps2: items(arrays.acceleration_lateral_mps2),
            yaw_rate_degps: items(arrays.yaw_rate_degps),
            autonomy_mode: items(arrays.autonomy_mode),
            autonomy_level: items(arrays.autonomy_level),
        })
    }
}

/// The values of an array; nothing for no array.
fn items<T: Clone, A: AsRef<[T]>>(array: Option<A>) -> Vec<T> {
    array.map(|array| array.as_ref().to_vec()).unwrap_or_default()
}
