use super::super::dpop::tests::key;
use super::*;

const LEAD: i64 = 300_000;

/// A schedule with keys `a`, `b`, `c` under their own names.
#[derive(Default)]
struct World(Vec<ScheduledKey>);

fn named(name: &str) -> ScheduledKey {
    ScheduledKey { kid: name.to_owned(), ..ScheduledKey::of(&*key(), 0) }
}

impl World {
    /// What changes at `seconds` with these keys at hand.
    fn at(&mut self, seconds: i64, names: &[&str]) -> String {
        let at_hand: Vec<ScheduledKey> = names.iter().map(|name| named(name)).collect();
        let changes = advance(&mut self.0, &at_hand, seconds * 1000, LEAD);
        assert!(self.0.iter().filter(|key| key.signs()).count() <= 1, "one key signs");
        let changes: Vec<String> = changes.iter().map(|c| format!("{} {}", c.kid, c.step.as_str())).collect();
        changes.join(", ")
    }

    fn published(&self) -> Vec<&str> {
        self.0.iter().filter(|key| key.removed_ms.is_none()).map(|key| key.kid.as_str()).collect()
    }

    fn signs(&self) -> &str {
        &signing(&self.0).unwrap().kid
    }
}

#[test]
fn the_first_key_signs_at_once() {
    let mut world = World::default();
    assert_eq!(world.at(0, &["a"]), "a published, a began");
    assert_eq!(world.at(1_000_000, &["a"]), "", "and nothing happens by itself");
}

#[test]
fn negative_n31_a_new_key_waits_a_cache_lifetime_and_the_old_one_stays_past_its_last_assertion() {
    let mut world = World::default();
    world.at(0, &["a"]);
    assert_eq!(world.at(1000, &["a", "b"]), "b published");
    assert_eq!(world.at(1299, &["a", "b"]), "");
    assert_eq!((world.signs(), world.published()), ("a", vec!["a", "b"]));
    assert_eq!(world.at(1300, &["a", "b"]), "a replaced, b began");
    assert_eq!((world.signs(), world.published()), ("b", vec!["a", "b"]));
    assert_eq!(world.at(1599, &["b"]), "", "also if it is no longer at hand");
    assert_eq!(world.at(1600, &["b"]), "a removed");
    assert_eq!(world.published(), ["b"]);
}

#[test]
fn a_replaced_key_that_stays_in_the_file_does_not_come_back() {
    let mut world = World::default();
    world.at(0, &["a", "b"]);
    assert_eq!(world.signs(), "a", "the oldest is taken to be registered");
    assert_eq!(world.at(300, &["a", "b"]), "a replaced, b began");
    assert_eq!(world.at(600, &["a", "b"]), "a removed");
    for seconds in [601, 1000, 100_000] {
        assert_eq!(world.at(seconds, &["a", "b"]), "");
    }
    assert_eq!(world.published(), ["b"]);
}

#[test]
fn three_keys_in_a_row_go_to_the_newest_that_is_due() {
    let mut world = World::default();
    world.at(0, &["a"]);
    world.at(100, &["a", "b"]);
    world.at(200, &["a", "b", "c"]);
    assert_eq!(world.at(400, &["a", "b", "c"]), "a replaced, b began");
    assert_eq!(world.at(500, &["a", "b", "c"]), "b replaced, c began");
    // Seen late, both are due: the newest wins, the other is never used.
    let mut world = World::default();
    world.at(0, &["a"]);
    world.at(100, &["a", "b"]);
    world.at(200, &["a", "b", "c"]);
    assert_eq!(world.at(900, &["a", "b", "c"]), "a replaced, c began");
    assert_eq!(world.at(901, &["a", "b", "c"]), "", "an older one does not take over");
}

#[test]
fn a_key_that_is_gone_is_replaced_at_once_and_that_is_told() {
    let mut world = World::default();
    world.at(0, &["a"]);
    assert_eq!(world.at(10, &["b"]), "b published, a replaced, b began_early");
    assert_eq!(world.published(), ["a", "b"], "what it signed can still be verified");
    // Back to the old one: it is still published, so it is known.
    assert_eq!(world.at(299, &["a"]), "b replaced, a began_early");
    let mut world = World::default();
    world.at(0, &["a"]);
    world.at(500, &["a", "b"]);
    world.at(800, &["a", "b"]);
    assert_eq!(world.at(900, &["a"]), "b replaced, a began", "a rollback to a key that is known is in time");
    assert_eq!(world.at(2000, &["a"]), "b removed");
    assert_eq!(world.at(2001, &["b"]), "a replaced, b published, b began_early");
}

#[test]
fn a_key_that_was_never_used_goes_with_its_file_and_may_come_again() {
    let mut world = World::default();
    world.at(0, &["a"]);
    world.at(10, &["a", "b"]);
    assert_eq!(world.at(20, &["a"]), "b removed");
    assert_eq!(world.at(250, &["a", "b"]), "b published", "its time begins anew");
    assert_eq!(world.at(549, &["a", "b"]), "");
    assert_eq!(world.at(550, &["a", "b"]), "a replaced, b began");
    assert_eq!(world.at(560, &[]), "", "no key at hand is no reason to forget any");
}

#[test]
fn negative_n31_the_published_set_has_public_members_only_and_the_thumbprint_as_kid() {
    let signer = key();
    let mut keys = Vec::new();
    advance(&mut keys, &[ScheduledKey::of(&*signer, 0)], 0, LEAD);
    let set: serde_json::Value = serde_json::from_str(&jwks(&keys)).unwrap();
    let members = set["keys"][0].as_object().unwrap();
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(members["kid"], signer.jwk().thumbprint());
    assert_eq!((&members["use"], &members["alg"]), (&"sig".into(), &"ES256".into()));
    assert_eq!(jwks(&[]), r#"{"keys":[]}"#);
}
