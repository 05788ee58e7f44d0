//! The lanes by name.

use super::wire::Lane;

/// What a lane is called in files, metrics and answers: its name in the proto file without the prefix, in lower case.
pub const fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Safety => "safety",
        Lane::Operational => "operational",
        Lane::Routine => "routine",
        Lane::Diagnostic => "diagnostic",
        Lane::Unspecified => "unspecified",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_proto_file() {
        for number in 0..=4 {
            let lane = Lane::try_from(number).expect("a lane");
            assert_eq!(format!("LANE_{}", lane_name(lane).to_ascii_uppercase()), lane.as_str_name());
        }
        assert!(Lane::try_from(5).is_err());
    }
}
