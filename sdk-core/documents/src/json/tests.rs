use super::*;

const CANONICAL: &str = r#"{
  "capacityId": "aurora-12345",
  "rate": {"currency": "USD", "amount": 1250.00},
  "futureMember": {"small": 0.10, "big": 12345678901234567890123, "list": [1, {"deep": null}]}
}"#;

fn parse(text: &str) -> Document {
    Document::parse(text).unwrap()
}

#[test]
fn untouched_documents_come_back_byte_for_byte() {
    assert_eq!(parse(CANONICAL).as_str(), CANONICAL);
    let padded = format!(" \n{CANONICAL}\r\n");
    assert_eq!(parse(&padded).as_str(), padded);
}

#[test]
fn lexemes_survive() {
    let document = parse(CANONICAL);
    assert_eq!(document.number("/rate/amount"), Some("1250.00"));
    assert_eq!(document.number("/futureMember/small"), Some("0.10"));
    assert_eq!(document.number("/futureMember/big"), Some("12345678901234567890123"));
    assert!(document.at("/futureMember/list/1/deep").unwrap().is_null());
    assert!(document.at("/futureMember/list/01").is_none(), "RFC 6901: no leading zeros");
}

#[test]
fn a_patch_changes_only_that_member() {
    let document = parse(CANONICAL);
    let patched = document.patch("/rate/amount", "1300.50").unwrap();
    assert_eq!(patched.as_str(), CANONICAL.replace("1250.00", "1300.50"));
    let added = document.patch("/quantity", "2").unwrap();
    assert_eq!(added.as_str(), CANONICAL.replace("null}]}\n}", "null}]},\"quantity\":2\n}"));
    assert_eq!(added.remove("/quantity").unwrap().as_str(), CANONICAL);
}

#[test]
fn defaults_are_added_once_and_at_the_end() {
    let members = [("a", "1".to_owned()), ("b", quote("x")), ("c", "null".to_owned())];
    let added = parse(r#"{ "b": 2 }"#).with_defaults(&members).unwrap();
    assert_eq!(added.as_str(), r#"{ "b": 2,"a":1,"c":null }"#);
    assert_eq!(added.with_defaults(&members).unwrap().as_str(), added.as_str());
    assert_eq!(parse("{ }").with_defaults(&members).unwrap().as_str(), r#"{"a":1,"b":"x","c":null }"#);
    assert_eq!(parse("[]").with_defaults(&members).unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(parse("{}").with_defaults(&[("a", "}".to_owned())]).unwrap_err().code(), Code::MalformedJson);
}

#[test]
fn missing_parents_are_added() {
    let document = Document::object().patch("/a/b", "[]").unwrap().patch("/a/b/-", "1").unwrap();
    assert_eq!(document.patch("/a/b/-", "2").unwrap().as_str(), r#"{"a":{"b":[1,2]}}"#);
    assert_eq!(document.patch("/a/b/0", "true").unwrap().as_str(), r#"{"a":{"b":[true]}}"#);
    assert_eq!(document.patch("/a/b/0/c", "1").unwrap_err().code(), Code::InvalidArgument);
}

#[test]
fn removal_keeps_the_rest() {
    let document = parse(r#"{ "a": 1, "b,": [1, 2, 3], "c": 3 }"#);
    assert_eq!(document.remove("/a").unwrap().as_str(), r#"{ "b,": [1, 2, 3], "c": 3 }"#);
    assert_eq!(document.remove("/c").unwrap().as_str(), r#"{ "a": 1, "b,": [1, 2, 3] }"#);
    assert_eq!(document.remove("/b,/0").unwrap().as_str(), r#"{ "a": 1, "b,": [ 2, 3], "c": 3 }"#);
    assert_eq!(document.remove("/nothing").unwrap(), document);
}

#[test]
fn malformed_texts_are_refused() {
    let deep = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    for text in ["", "{", "[1,]", "NaN", r#"{"a":1,"a":2}"#, r#"{"a":{"b":1,"\u0062":2}}"#, "\"\\ud800\"", "1 2", &deep]
    {
        assert_eq!(Document::parse(text).unwrap_err().code(), Code::MalformedJson, "{text}");
    }
    assert_eq!(Document::parse([0xff]).unwrap_err().code(), Code::MalformedJson);
    assert!(Document::parse(format!("{}1{}", "[".repeat(31), "]".repeat(31))).is_ok());
}

#[test]
fn keys_and_strings_with_escapes() {
    let document = parse(r#"{"a/b": "x\ny", "m~n": {"\u00e9": "z"}}"#);
    assert_eq!(document.text("/a~1b").as_deref(), Some("x\ny"));
    assert_eq!(document.text("/m~0n/é").as_deref(), Some("z"));
    assert_eq!(document.with_text("/a~1b", "q\"").unwrap().text("/a~1b").as_deref(), Some("q\""));
}
