//! The software bill of materials of an artefact: CycloneDX 1.5, without anything of the machine that built it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::linked::{Id, Linked};

/// The bill of what is linked into an artefact. `name` and `version` are the artefact's; `at` is when its source was committed.
pub(super) fn document(name: &str, version: &str, kind: &str, linked: &Linked, at: &str) -> Value {
    let mut components: Vec<Value> = linked
        .crates
        .iter()
        .filter(|(id, _)| **id != linked.root)
        .map(|(id, known)| {
            let mut component = json!({
                "type": "library",
                "bom-ref": reference(id),
                "name": known.name,
                "version": known.version,
                "licenses": [{ "expression": known.license }],
            });
            if let Some(checksum) = &known.checksum {
                component["purl"] = json!(reference(id));
                component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
            }
            if let Some(repository) = &known.repository {
                component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
            }
            component
        })
        .collect();
    let mut needs: Vec<Value> = linked
        .needs
        .iter()
        .map(|(id, needed)| {
            let mut on: Vec<String> = needed.iter().map(reference).collect();
            on.extend(linked.bundled.iter().filter(|bundled| bundled.of == *id).map(|b| generic(b.name, &b.version)));
            json!({ "ref": reference(id), "dependsOn": on })
        })
        .collect();
    for bundled in &linked.bundled {
        let purl = generic(bundled.name, &bundled.version);
        components.push(json!({
            "type": "library",
            "bom-ref": purl,
            "name": bundled.name,
            "version": bundled.version,
            "licenses": [{ "expression": bundled.license }],
            "purl": purl,
        }));
        needs.push(json!({ "ref": purl, "dependsOn": [] }));
    }
    let mut bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": at,
            "tools": { "components": [{ "type": "application", "name": "cargo xtask package", "version": version }] },
            "component": {
                "type": kind,
                "bom-ref": reference(&linked.root),
                "name": name,
                "version": version,
                "licenses": [{ "expression": "Apache-2.0" }],
            },
        },
        "components": components,
        "dependencies": needs,
    });
    // A name of its own for each content, and the same for the same.
    bill["serialNumber"] = json!(serial(&bill.to_string()));
    bill
}

fn reference(id: &Id) -> String {
    format!("pkg:cargo/{}@{}", id.0, id.1.replace('+', "%2B"))
}

fn generic(name: &str, version: &str) -> String {
    format!("pkg:generic/{name}@{version}")
}

/// A UUID of version 8 (RFC 9562) over a text.
fn serial(text: &str) -> String {
    let mut bytes: Vec<u8> = Sha256::digest(text.as_bytes()).iter().copied().take(16).collect();
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_a_uuid() {
        let serial = serial("x");
        assert_eq!(serial.len(), "urn:uuid:".len() + 36);
        assert_eq!(serial.split('-').nth(2).map(|part| &part[..1]), Some("8"));
        assert_eq!(reference(&("a".to_owned(), "1.0.0+b".to_owned())), "pkg:cargo/a@1.0.0%2Bb");
    }
}
