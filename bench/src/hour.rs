//! A synthetic hour of a driverless truck at 10 Hz, in the line format of the recorded minute: from Dallas southwards, with
//! mode changes, sensors that degrade and recover, and faults. Noise of a good inertial navigation: 1 cm, 0.02 m/s, 0.03 m/s²,
//! 0.3 ms of clock jitter. Always the same hour.

use std::fmt::Write as _;

const RECORDS: usize = 36_000;
const SENSORS: usize = 8;
const START_NANOS: i64 = 1_771_574_400_000_000_000;

/// A small generator of pseudo-random numbers (SplitMix64) with a normal distribution (Box and Muller).
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        deviation * radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The hour, one line per record.
pub fn lines() -> String {
    let mut noise = Noise::new(20_261_122);
    let mut out = String::new();
    let (mut lat, mut lon, mut altitude) = (32.7767_f64, -96.7970_f64, 140.0_f64);
    let (mut heading, mut speed, mut turn) = (152.0_f64, 0.0_f64, 0.0_f64);
    let mut status = [1u8; SENSORS];
    let mut recovers: [Option<usize>; SENSORS] = [None; SENSORS];
    for row in 0..RECORDS {
        let second = row as f64 / 10.0;
        let (mode, target) = drive(second);
        let acceleration = ((target - speed) * 0.15).clamp(-1.8, 0.9) + noise.normal(0.02);
        speed = (speed + acceleration * 0.1).max(0.0);
        if noise.uniform() < 0.0015 {
            turn = noise.normal(1.2);
        }
        turn *= 0.995;
        let yaw = turn * (speed / 29.0) + noise.normal(0.03);
        heading = (heading + yaw * 0.1).rem_euclid(360.0);
        let way = speed * 0.1;
        lat += way * heading.to_radians().cos() / 111_320.0;
        lon += way * heading.to_radians().sin() / (111_320.0 * lat.to_radians().cos());
        altitude += noise.normal(0.004) * speed / 10.0;
        for sensor in 0..SENSORS {
            match recovers[sensor] {
                Some(end) if row >= end => (status[sensor], recovers[sensor]) = (1, None),
                None if noise.uniform() < 0.000_03 => {
                    status[sensor] = if noise.uniform() < 0.8 { 2 } else { 3 };
                    recovers[sensor] = Some(row + 20 + (noise.uniform() * 1180.0) as usize);
                }
                _ => {}
            }
        }
        let mut faults: Vec<String> = Vec::new();
        let mut fault = |code: u8, severity: u8, sensor: usize| {
            let text = format!(r#"{{"code":{code},"severity":{severity},"sensor":{sensor},"active":true}}"#);
            faults.push(text);
        };
        for sensor in 0..SENSORS {
            if recovers[sensor].is_some_and(|end| end.saturating_sub(row).is_multiple_of(10)) {
                fault(status[sensor] - 1, status[sensor], sensor);
            }
        }
        if mode == 4 && row.is_multiple_of(10) {
            fault(3, 4, 0);
        }
        let shown_speed = if speed > 0.05 { thousandths(speed + noise.normal(0.02)) } else { 0 };
        let time = START_NANOS + row as i64 * 100_000_000 + (noise.normal(300.0) as i64) * 1000;
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            r#"{{"vehicleId":"aurora-trk-0417","loadId":"mcleod-6789","capacityId":"aurora-12345","dispatchId":"dsp-2026-02-20-00891","eventSequence":{},"t":{time},"latE7":{},"lonE7":{},"altMm":{},"hAccMm":{},"speedMmps":{shown_speed},"hdgCdeg":{},"axMmps2":{},"ayMmps2":{},"yawMdegps":{},"mode":{mode},"sensors":{status:?},"faults":[{}]}}"#,
            row + 1,
            ((lat + noise.normal(0.01) / 111_320.0) * 1e7).round(),
            ((lon + noise.normal(0.01) / 94_000.0) * 1e7).round(),
            thousandths(altitude + noise.normal(0.02)),
            (20.0 + noise.normal(2.0)).max(8.0) as i64,
            (((heading + noise.normal(0.02)) * 100.0).round() as i64).rem_euclid(36_000),
            thousandths(acceleration + noise.normal(0.03)),
            thousandths(speed * yaw.to_radians() + noise.normal(0.03)),
            thousandths(yaw + noise.normal(0.02)),
            faults.join(","),
        );
    }
    out
}

/// The mode, and the speed that the truck aims at: in the yard by hand, on the interstate by itself, a stop for a minute with a
/// minimal risk manoeuvre and remote assistance, and by hand again.
fn drive(second: f64) -> (u8, f64) {
    let slower = if 1500.0 < second && second < 1680.0 { 9.0 } else { 0.0 };
    match second {
        s if s < 60.0 => (2, 0.0),
        s if s < 120.0 => (1, 12.0),
        s if (2400.0..2415.0).contains(&s) => (4, 0.0),
        s if (2415.0..2445.0).contains(&s) => (5, 0.0),
        s if (2445.0..2460.0).contains(&s) => (6, 0.0),
        s if s < 3480.0 => (3, 29.0 + 1.5 * (s / 180.0).sin() - slower),
        _ => (1, 0.0),
    }
}

fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}
