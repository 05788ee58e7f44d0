use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

const NOW: i64 = 1_771_574_400;
const BODY: &[u8] = br#"{"specversion":"1.0","id":"e1"}"#;

struct Carrier(Ed25519KeyPair);

impl Carrier {
    fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn key(&self, id: &str) -> WebhookKey {
        WebhookKey::parse(id, &format!("whpk_{}", STANDARD.encode(self.0.public_key().as_ref()))).unwrap()
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
        format!("v1a,{}", STANDARD.encode(self.0.sign(&signed)))
    }
}

fn code(id: &str, timestamp: &str, signature: &str, body: &[u8], keys: &[WebhookKey]) -> Option<Code> {
    verify(Headers { id, timestamp, signature }, body, keys, NOW).err().map(|error| error.code())
}

#[test]
fn a_genuine_message_is_taken() {
    let carrier = Carrier::new(1);
    let signature = carrier.sign("msg_1", NOW - 300, BODY);
    let fields: Vec<(String, String)> = [
        ("Webhook-Id", "msg_1"),
        ("WEBHOOK-TIMESTAMP", "1771574100"),
        ("webhook-signature", signature.as_str()),
        ("content-type", "application/cloudevents+json"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let verified = verify(Headers::find(&fields).unwrap(), BODY, &[carrier.key("k1")], NOW).unwrap();
    assert_eq!(verified, Verified { id: "msg_1".into(), timestamp: NOW - 300, key_id: "k1".into() });
}

#[test]
fn a_signature_made_by_another_implementation_is_taken() {
    // The id, the time and the body of the scheme's own example; key (seed 32 × 0x07) and signature made with pyca/cryptography.
    let key = WebhookKey::parse("k", "whpk_6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=").unwrap();
    let headers = Headers {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signature: "v1a,2iFnCkcL0nCB7d0lgaT5vmGnQgJl4zcl9qd7UbPYvulcwR3MRYzjXT2JCSEV4dFH3XNALA4OW0zY5fFdGv9GBA==",
    };
    assert!(verify(headers, br#"{"test": 2432232314}"#, &[key], 1_614_265_330).is_ok());
}

#[test]
fn one_changed_byte_is_noticed() {
    let carrier = Carrier::new(1);
    let keys = [carrier.key("k1")];
    let signature = carrier.sign("msg_1", NOW, BODY);
    let time = NOW.to_string();
    assert_eq!(code("msg_1", &time, &signature, BODY, &keys), None);
    for at in 0..BODY.len() {
        let mut changed = BODY.to_vec();
        changed[at] ^= 1;
        assert_eq!(code("msg_1", &time, &signature, &changed, &keys), Some(Code::WebhookSignatureInvalid));
    }
    assert_eq!(code("msg_2", &time, &signature, BODY, &keys), Some(Code::WebhookSignatureInvalid));
    assert_eq!(code("msg_1", &(NOW + 1).to_string(), &signature, BODY, &keys), Some(Code::WebhookSignatureInvalid));
    assert_eq!(code("msg_1", &time, &signature, BODY, &[]), Some(Code::WebhookSignatureInvalid));
    let (start, last) = signature.split_at(signature.len() - 3);
    assert_eq!(code("msg_1", &time, start, BODY, &keys), Some(Code::WebhookSignatureMissing), "{last}");
}

#[test]
fn a_rotation_is_tolerated_from_either_side() {
    let (old, new, foreign) = (Carrier::new(1), Carrier::new(2), Carrier::new(3));
    let time = NOW.to_string();
    let both = format!("v1,c3ltbWV0cmlj {} {}", old.sign("m", NOW, BODY), new.sign("m", NOW, BODY));
    assert_eq!(code("m", &time, &both, BODY, &[old.key("old")]), None);
    assert_eq!(code("m", &time, &both, BODY, &[new.key("new")]), None);
    assert_eq!(code("m", &time, &new.sign("m", NOW, BODY), BODY, &[old.key("old"), new.key("new")]), None);
    assert_eq!(code("m", &time, &both, BODY, &[foreign.key("f")]), Some(Code::WebhookSignatureInvalid));
}

#[test]
fn an_old_or_future_attempt_names_the_offset() {
    let carrier = Carrier::new(1);
    for (offset, said) in [(-301, "301 s behind"), (301, "301 s ahead of")] {
        let headers = carrier.sign("m", NOW + offset, BODY);
        let time = (NOW + offset).to_string();
        let error = verify(Headers { id: "m", timestamp: &time, signature: &headers }, BODY, &[carrier.key("k")], NOW)
            .unwrap_err();
        assert_eq!(error.code(), Code::ClockSkew);
        assert!(error.message().contains(said), "{error}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut fields = vec![field("webhook-id", "m"), field("webhook-timestamp", "1"), field("webhook-signature", " ")];
    assert!(Headers::find(&fields).unwrap_err().message().contains("webhook-signature"));
    fields[2] = field("webhook-signature", "v1a,AA==");
    assert!(Headers::find(&fields).is_ok());
    fields.push(field("Webhook-Id", "other"));
    let error = Headers::find(&fields).unwrap_err();
    assert_eq!(error.code(), Code::WebhookSignatureMissing);
    assert!(error.message().contains("more than once"));
    for time in ["", "-5", "+5", "1e9", "99999999999999999999"] {
        assert_eq!(code("m", time, "v1a,AA==", BODY, &[]), Some(Code::WebhookSignatureMissing), "{time}");
    }
    assert_eq!(code("m", "1", "v1,AA==", BODY, &[]), Some(Code::WebhookSignatureMissing));
}

#[test]
fn a_key_must_be_a_public_key() {
    for text in ["", "whpk_", "whpk_AAAA", "whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "whpk_!"] {
        assert_eq!(WebhookKey::parse("k", text).unwrap_err().code(), Code::UnexpectedAnswer, "{text}");
    }
}

#[test]
fn a_key_is_good_for_its_time_only() {
    let (old, new) = (Carrier::new(1), Carrier::new(2));
    let keys = [old.key("old").valid(None, Some(NOW)), new.key("new").valid(Some(NOW - 60), None)];
    let by = |carrier: &Carrier, at: i64| code("m", &at.to_string(), &carrier.sign("m", at, BODY), BODY, &keys);
    assert_eq!(by(&old, NOW - 1), None, "its last second");
    assert_eq!(by(&old, NOW), Some(Code::WebhookSignatureInvalid), "notAfter is over");
    assert_eq!(by(&new, NOW - 60), None);
    assert_eq!(by(&new, NOW - 61), Some(Code::WebhookSignatureInvalid), "notBefore is not come");
    // Between the two the carrier signs with both, in either order.
    for pair in [[&old, &new], [&new, &old]] {
        let both = pair.map(|carrier| carrier.sign("m", NOW, BODY)).join(" ");
        assert_eq!(code("m", &NOW.to_string(), &both, BODY, &keys), None);
    }
    let error = verify(
        Headers { id: "m", timestamp: &NOW.to_string(), signature: &old.sign("m", NOW, BODY) },
        BODY,
        &keys,
        NOW,
    )
    .unwrap_err();
    assert!(error.message().contains("`old`"), "it names the key: {error}");
}

#[test]
fn a_shared_secret_is_taken_only_where_one_is_known() {
    // Key, message and signature of the scheme's own specification (Standard Webhooks 1.0, symmetric).
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let headers = Headers {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    let body = br#"{"test": 2432232314}"#;
    let key = WebhookKey::symmetric_for_tests("test", secret).unwrap();
    assert!(verify(headers, body, std::slice::from_ref(&key), 1_614_265_330).is_ok());
    let changed = br#"{"test": 2432232315}"#;
    let error = verify(headers, changed, std::slice::from_ref(&key), 1_614_265_330).unwrap_err();
    assert_eq!(error.code(), Code::WebhookSignatureInvalid);
    let error = verify(headers, body, &[Carrier::new(1).key("k")], 1_614_265_330).unwrap_err();
    assert_eq!(error.code(), Code::WebhookSignatureMissing, "without one it is no signature at all");
    assert!(!format!("{key:?}").contains("MfKQ"), "and it shows nothing of itself");
    for wrong in
        ["whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    {
        assert!(WebhookKey::symmetric_for_tests("test", wrong).is_none(), "{wrong}");
    }
}
