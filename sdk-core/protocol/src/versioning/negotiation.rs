//! What is asked for, and whether a carrier serves it (contract 5).

use jiff::Timestamp;

/// The major version that this SDK speaks; the `/v1` of its paths.
pub const MAJOR: u32 = 1;
/// The value of `Accept-Version`.
pub const ACCEPT: &str = "1.x; min=1.0";
/// Days for which a stable major must stay beside its successor (contract 5).
pub const STABLE_WINDOW_DAYS: u32 = 365;
/// Days for which a preview must.
pub const PREVIEW_WINDOW_DAYS: u32 = 90;

/// A version that a carrier publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// `preview`, `active`, `deprecated` or `sunset`.
    pub status: String,
    /// Since when it is deprecated.
    pub since: Option<Timestamp>,
    /// When it ends.
    pub sunset: Option<Timestamp>,
}

/// The highest version of our major that is still served. One that is past its date counts while it is not called
/// `sunset`: the carrier's answer decides. `Err`: the versions that there are, and ours, in words.
pub fn choose(served: &[Served]) -> Result<&Served, (String, String)> {
    let ours = served.iter().filter(|version| version.major == MAJOR && version.status != "sunset");
    ours.max_by_key(|version| version.minor).ok_or_else(|| {
        let list = served.iter().map(|v| format!("{}.{} ({})", v.major, v.minor, v.status)).collect::<Vec<_>>();
        (list.join(", "), format!("{MAJOR}.x"))
    })
}

/// Whether a published compatibility window is shorter than the contract wants for this version.
pub fn short_window(days: u32, version: &Served) -> bool {
    days < if version.status == "preview" { PREVIEW_WINDOW_DAYS } else { STABLE_WINDOW_DAYS }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32, status: &str) -> Served {
        Served { major, minor, status: status.to_owned(), since: None, sunset: None }
    }

    #[test]
    fn the_highest_of_our_major_is_chosen() {
        let served = [version(1, 2, "deprecated"), version(2, 0, "active"), version(1, 9, "sunset")];
        assert_eq!(choose(&served).unwrap().minor, 2);
    }

    #[test]
    fn without_our_major_the_choices_are_named() {
        assert_eq!(
            choose(&[version(2, 0, "active"), version(1, 0, "sunset")]).unwrap_err(),
            ("2.0 (active), 1.0 (sunset)".to_owned(), "1.x".to_owned())
        );
    }

    #[test]
    fn the_window_depends_on_the_status() {
        assert!(short_window(364, &version(1, 0, "active")) && !short_window(365, &version(1, 0, "active")));
        assert!(short_window(89, &version(1, 0, "preview")) && !short_window(90, &version(1, 0, "preview")));
    }
}
