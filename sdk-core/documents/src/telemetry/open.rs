//! Enumerations that are closed on the wire and open in the API: a number that this version does not know survives, and
//! is given out again as it came.

use std::fmt;

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $constant:ident = $number:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub i32);

        impl $name {
            $($(#[$item])* pub const $constant: Self = Self($number);)*

            /// Every value that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$constant,)*];

            /// The name in JSON; nothing for a number that this version does not know.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($number => Some($text),)* _ => None }
            }

            /// The value of this name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$constant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() { Some(name) => f.write_str(name), None => write!(f, "{}", self.0) }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.name() { Some(name) => serializer.serialize_str(name), None => serializer.serialize_i32(self.0) }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a name or number of ", stringify!($name)))
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
                    }
                    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<$name, E> {
                        i32::try_from(number).map($name)
                            .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
                    }
                    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<$name, E> {
                        i32::try_from(number).map($name)
                            .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
                    }
                }
                deserializer.deserialize_any(Visitor)
            }
        }
    };
}

open_enum! {
    /// Who drives. The one table of autonomy modes; [`AutonomyMode::control_mode`] is the contract's view of it.
    AutonomyMode {
        /// Not stated.
        UNSPECIFIED = 0 "unspecified",
        /// A person drives.
        MANUAL = 1 "manual",
        /// The system is ready and does not drive.
        AUTONOMOUS_READY = 2 "autonomous_ready",
        /// The system drives.
        AUTONOMOUS_ENROUTE = 3 "autonomous_enroute",
        /// The system brings the vehicle to a minimal risk condition.
        MINIMAL_RISK_MANEUVER = 4 "minimal_risk_maneuver",
        /// The vehicle stands in a minimal risk condition.
        MINIMAL_RISK_CONDITION = 5 "minimal_risk_condition",
        /// A remote operator assists.
        REMOTE_ASSIST = 6 "remote_assist",
        /// Disengaged and out of service.
        DISENGAGED = 7 "disengaged",
    }
}

impl AutonomyMode {
    /// The contract's `controlMode` (4a) for this mode; nothing if the mode is not stated or not known.
    pub const fn control_mode(self) -> Option<&'static str> {
        Some(match self {
            Self::MANUAL => "manual_override",
            Self::AUTONOMOUS_READY => "supervised",
            Self::AUTONOMOUS_ENROUTE => "autonomous",
            Self::MINIMAL_RISK_MANEUVER | Self::MINIMAL_RISK_CONDITION => "minimal_risk",
            Self::REMOTE_ASSIST => "remote_assist",
            Self::DISENGAGED => "out_of_service",
            _ => return None,
        })
    }
}

open_enum! {
    /// Level of driving automation (SAE J3016).
    SaeLevel {
        /// Not stated.
        UNSPECIFIED = 0 "unspecified",
        /// Level 0.
        L0 = 1 "sae_0",
        /// Level 1.
        L1 = 2 "sae_1",
        /// Level 2.
        L2 = 3 "sae_2",
        /// Level 3.
        L3 = 4 "sae_3",
        /// Level 4.
        L4 = 5 "sae_4",
        /// Level 5.
        L5 = 6 "sae_5",
    }
}

open_enum! {
    /// What a sensor is.
    SensorKind {
        /// Not stated.
        UNSPECIFIED = 0 "unspecified",
        /// Lidar.
        LIDAR = 1 "lidar",
        /// Radar.
        RADAR = 2 "radar",
        /// Camera.
        CAMERA = 3 "camera",
        /// Inertial measurement unit.
        IMU = 4 "imu",
        /// Satellite navigation.
        GNSS = 5 "gnss",
        /// Ultrasonic.
        ULTRASONIC = 6 "ultrasonic",
        /// Wheel odometry.
        WHEEL_ODOMETRY = 7 "wheel_odometry",
        /// Microphone.
        MICROPHONE = 8 "microphone",
        /// Vehicle-to-everything radio.
        V2X = 9 "v2x",
    }
}

open_enum! {
    /// How a sensor is.
    SensorStatus {
        /// Not stated.
        UNSPECIFIED = 0 "unspecified",
        /// As it should be.
        NOMINAL = 1 "nominal",
        /// Usable with limits.
        DEGRADED = 2 "degraded",
        /// Broken.
        FAILED = 3 "failed",
        /// Switched off or absent.
        OFFLINE = 4 "offline",
        /// Calibrating.
        CALIBRATING = 5 "calibrating",
    }
}

open_enum! {
    /// What is wrong.
    FaultCode {
        /// Not stated; see the vendor code.
        UNSPECIFIED = 0 "unspecified",
        /// A sensor is degraded.
        SENSOR_DEGRADED = 1 "sensor_degraded",
        /// A sensor is lost.
        SENSOR_LOST = 2 "sensor_lost",
        /// The vehicle is unsure where it is.
        LOCALIZATION_UNCERTAIN = 3 "localization_uncertain",
        /// A computer is too hot.
        COMPUTE_THERMAL = 4 "compute_thermal",
        /// Brakes.
        BRAKE = 5 "brake",
        /// Steering.
        STEERING = 6 "steering",
        /// Electric power.
        POWER = 7 "power",
        /// Communication is lost.
        COMMS_LOSS = 8 "comms_loss",
        /// Tire pressure.
        TIRE_PRESSURE = 9 "tire_pressure",
        /// Trailer.
        TRAILER = 10 "trailer",
        /// Perception.
        PERCEPTION = 11 "perception",
        /// Planner.
        PLANNER = 12 "planner",
    }
}

open_enum! {
    /// How bad a fault is.
    FaultSeverity {
        /// Not stated.
        UNSPECIFIED = 0 "unspecified",
        /// For information.
        INFO = 1 "info",
        /// Needs attention.
        WARNING = 2 "warning",
        /// The vehicle drives on with limits.
        DEGRADED_OPERATION = 3 "degraded_operation",
        /// Safety is at stake.
        SAFETY_CRITICAL = 4 "safety_critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::wire;

    #[test]
    fn names_are_those_of_the_proto_files() {
        for number in 0..32 {
            let wire = wire::AutonomyMode::try_from(number).ok().map(|v| v.as_str_name().to_ascii_lowercase());
            assert_eq!(AutonomyMode(number).name().map(|n| format!("autonomy_mode_{n}")), wire);
            let wire = wire::FaultCode::try_from(number).ok().map(|v| v.as_str_name().to_ascii_lowercase());
            assert_eq!(FaultCode(number).name().map(|n| format!("fault_code_{n}")), wire);
            let wire = wire::FaultSeverity::try_from(number).ok().map(|v| v.as_str_name().to_ascii_lowercase());
            assert_eq!(FaultSeverity(number).name().map(|n| format!("fault_severity_{n}")), wire);
            let wire = wire::SensorStatus::try_from(number).ok().map(|v| v.as_str_name().to_ascii_lowercase());
            assert_eq!(SensorStatus(number).name().map(|n| format!("sensor_status_{n}")), wire);
            let wire = wire::SensorKind::try_from(number).ok().map(|v| v.as_str_name().to_ascii_lowercase());
            assert_eq!(SensorKind(number).name().map(|n| format!("sensor_kind_{n}")), wire);
            assert_eq!(SaeLevel(number).name().is_some(), wire::SaeLevel::try_from(number).is_ok());
        }
    }

    #[test]
    fn an_unknown_number_survives_json() {
        let text = serde_json::to_string(&[AutonomyMode(99), AutonomyMode::MANUAL]).expect("json");
        assert_eq!(text, r#"[99,"manual"]"#);
        let back: Vec<AutonomyMode> = serde_json::from_str(&text).expect("json");
        assert_eq!(back, [AutonomyMode(99), AutonomyMode::MANUAL]);
        assert!(serde_json::from_str::<AutonomyMode>(r#""flying""#).is_err());
    }
}
