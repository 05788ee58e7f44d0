//! The one list of what a client offers, and the check that Python, Node and Swift offer exactly that, with every parameter.
//! Each language spells names in its own case; a time span has its unit in the name in Node (`waitMs`, `leaseS`).
//!
//! It reads the sources: Swift has nothing to ask at run time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A class, and each of its operations with its parameters.
type Offered = (&'static str, &'static [(&'static str, &'static [&'static str])]);

/// Operations by the class that has them, each with its parameters; in camel case. Cancellation is the language's own.
const OPERATIONS: &[Offered] = &[
    (
        "Client",
        &[
            ("events", &["consumer"]),
            ("onSafety", &[]),
            ("securityEvents", &[]),
            ("jwks", &[]),
            ("health", &[]),
            ("metrics", &[]),
            ("close", &[]),
        ],
    ),
    (
        "Capacity",
        &[
            ("search", &["origin", "destination"]),
            ("get", &["carrier", "capacityId"]),
            ("hold", &["carrier", "capacityId", "holdId"]),
            ("release", &["carrier", "capacityId", "holdId"]),
            ("explain", &["load", "offer"]),
        ],
    ),
    (
        "Tenders",
        &[
            ("create", &["load", "carrier", "capacity", "wait"]),
            ("tenderAgain", &["load", "carrier", "capacity", "wait"]),
            ("get", &["tenderId"]),
            ("list", &["state"]),
            ("revise", &["tenderId", "load", "wait"]),
            ("amend", &["tenderId", "load"]),
            ("acceptCounter", &["tenderId", "wait"]),
            ("declineCounter", &["tenderId", "reason"]),
            ("requestCancel", &["tenderId", "reason"]),
            ("releaseUnproven", &["tenderId", "actor", "reason", "runbook"]),
            ("withdraw", &["tenderId", "reason"]),
            ("watch", &["tenderId"]),
        ],
    ),
    ("Inbox", &[("receive", &["headers"]), ("handshake", &["headers"]), ("answer", &["method", "headers"])]),
    (
        "Webhooks",
        &[
            ("subscribe", &["carrier", "subscriptionId", "url", "types", "mtls"]),
            ("get", &["carrier", "subscriptionId"]),
            ("delete", &["carrier", "subscriptionId"]),
        ],
    ),
    (
        "Dispatches",
        &[
            ("get", &["dispatchId"]),
            ("stopAtNextSafeLocation", &["dispatchId", "reason", "requestedBy"]),
            ("resume", &["dispatchId", "commandRef", "reason", "requestedBy"]),
            ("hold", &["dispatchId", "reason", "requestedBy", "lease"]),
            ("renewHold", &["dispatchId", "commandRef", "reason", "requestedBy", "lease"]),
            ("release", &["dispatchId", "commandRef", "reason", "requestedBy"]),
            ("requestIntervention", &["dispatchId", "kind", "reason", "requestedBy"]),
            ("changeRoute", &["dispatchId", "detourId", "reason", "requestedBy"]),
            ("command", &["dispatchId", "type", "reason", "requestedBy", "params", "expires", "lease", "commandId"]),
            ("commands", &["dispatchId"]),
            ("commandStatus", &["dispatchId", "commandId"]),
            ("revoke", &["dispatchId", "commandId", "reason", "requestedBy"]),
        ],
    ),
    ("Documents", &[("list", &["tenderId"]), ("get", &["tenderId", "documentId"])]),
    ("Telemetry", &[("follow", &["loads"])]),
    ("Reconcile", &[("run", &[])]),
    (
        "Identity",
        &[
            ("status", &[]),
            ("connection", &["carrier"]),
            ("replace", &["certificate", "privateKey", "trust", "crl"]),
            ("rotate", &[]),
            ("revokeNow", &[]),
        ],
    ),
    ("Journal", &[("verify", &[]), ("export", &[])]),
];

/// What stands without a client: functions, each with its parameters.
const FUNCTIONS: Offered = (
    "Contract",
    &[
        ("tenderId", &["environment", "tenant", "carrier", "loadId", "attempt"]),
        ("idempotencyKey", &["environment", "tenant", "carrier", "operation", "operationId"]),
        ("eventDigest", &["event"]),
        ("historyStart", &["tenderId"]),
        ("historyExtend", &["previous", "sequence", "eventDigest"]),
        ("verifyWebhook", &["headers", "keys", "at"]),
        ("nextStates", &["state"]),
        ("stateAfter", &["state", "eventType"]),
        ("explain", &["load", "offer", "at", "assumedTareLbs"]),
    ],
);

/// What a language calls differently, and why that is its custom.
const CUSTOMS: &[(&str, &str, &str)] = &[
    // A sequence to read in a task, rather than a callback.
    ("swift", "safety", "onSafety"),
    ("python", "expiresIn", "expires"),
];

/// How a language's sources are read.
struct Language {
    name: &'static str,
    folder: &'static str,
    suffix: &'static str,
    /// Sources that hold no operation.
    without: &'static [&'static str],
    /// What begins the body of a class, and the line that ends it.
    opens: &'static [&'static str],
    closes: &'static str,
    /// What a public method's line begins with.
    methods: &'static [&'static str],
    /// The source of [`FUNCTIONS`], and what a public function's line begins with.
    functions: (&'static str, &'static str),
}

const LANGUAGES: [Language; 3] = [
    Language {
        name: "python",
        folder: "bindings-python/python/gladhand/aio",
        suffix: ".py",
        without: &[],
        opens: &["class "],
        closes: "class ",
        methods: &["    async def ", "    def "],
        functions: ("bindings-python/python/gladhand/contract.py", "def "),
    },
    Language {
        name: "node",
        folder: "bindings-node/src",
        suffix: ".ts",
        without: &["models.ts", "errors.ts", "native.ts"],
        opens: &["export class "],
        closes: "}",
        methods: &["  async ", "  "],
        functions: ("bindings-node/src/contract.ts", "export function "),
    },
    Language {
        name: "swift",
        folder: "bindings-swift/Sources/Gladhand",
        suffix: ".swift",
        without: &["Models.generated.swift"],
        opens: &["public struct ", "public final class ", "extension "],
        closes: "}",
        methods: &["    public func "],
        functions: ("bindings-swift/Sources/Gladhand/Contract.swift", "    public static func "),
    },
];

impl Language {
    fn sources(&self, root: &Path) -> Vec<String> {
        let folder = root.join(self.folder);
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(self.suffix) && !self.without.contains(&&*name)
        });
        paths.iter().map(|path| std::fs::read_to_string(path).expect("a source")).collect()
    }

    /// The public methods of a class, each with all the text in which its parameters stand.
    fn methods(&self, sources: &[String], class: &str) -> BTreeMap<String, String> {
        let bodies = sources.iter().flat_map(|source| self.bodies(source, class));
        declared(bodies, self.methods)
    }

    /// The public functions that stand without a client, likewise.
    fn functions(&self, root: &Path) -> BTreeMap<String, String> {
        let (path, start) = self.functions;
        let source = std::fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        declared([source.as_str()], &[start])
    }

    fn bodies<'a>(&self, source: &'a str, class: &str) -> Vec<&'a str> {
        let mut bodies = Vec::new();
        for (at, line) in lines(source) {
            let named = |start: &&&str| {
                line.strip_prefix(**start)
                    .and_then(|rest| rest.strip_prefix(class))
                    .is_some_and(|rest| rest.starts_with([':', ' ', '(']))
            };
            if self.opens.iter().any(|start| named(&start)) {
                let body = &source[at + line.len()..];
                let end = lines(body).find(|(_, line)| line.starts_with(self.closes)).map_or(body.len(), |(at, _)| at);
                bodies.push(&body[..end]);
            }
        }
        bodies
    }
}

/// What is declared by lines that begin so, each with the text of its parameters.
fn declared<'a>(bodies: impl IntoIterator<Item = &'a str>, starts: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for body in bodies {
        for (at, line) in lines(body) {
            let Some(rest) = starts.iter().find_map(|start| line.strip_prefix(start)) else { continue };
            let name: String = rest.chars().take_while(|letter| in_word(*letter)).collect();
            let begins = rest[name.len()..].starts_with(['(', '<']);
            let hidden = name.is_empty() || name.starts_with('_') || name == "constructor";
            if begins && !hidden {
                found.entry(camel(&name)).or_insert_with(String::new).push_str(&signature(&body[at..]));
            }
        }
    }
    found
}

fn in_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Lines with their places.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let here = at;
        at += line.len();
        (here, line.trim_end())
    })
}

/// From the name to the bracket that closes the parameters.
fn signature(text: &str) -> String {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 1 => return text[..=at].to_owned(),
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.to_owned()
}

/// The words of a text.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|letter| !in_word(letter)).filter(|word| !word.is_empty()).map(camel).collect()
}

/// The words of a signature and of every interface that it names, as Node spells options.
fn all_words(signature: &str, sources: &[String]) -> BTreeSet<String> {
    let mut known = words(signature);
    loop {
        let before = known.len();
        for source in sources {
            for (at, line) in lines(source) {
                let Some(rest) = line.strip_prefix("export interface ") else { continue };
                let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
                if known.contains(&name) {
                    let body = &source[at..];
                    let end = body.find("\n}").unwrap_or(body.len());
                    known.extend(words(&body[..end]));
                }
            }
        }
        if known.len() == before {
            return known;
        }
    }
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut all, part| {
        let mut letters = part.chars();
        all.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        all.extend(letters);
        all
    })
}

/// What a language lacks, and what it has beside the list.
fn differences(language: &Language, root: &Path) -> Vec<String> {
    let sources = language.sources(root);
    let custom = |name: &str| {
        let same = CUSTOMS.iter().find(|(of, own, _)| *of == language.name && *own == name);
        same.map_or(name, |(_, _, listed)| *listed).to_owned()
    };
    let mut out = Vec::new();
    for (class, operations) in OPERATIONS.iter().chain([&FUNCTIONS]) {
        let found = if *class == FUNCTIONS.0 { language.functions(root) } else { language.methods(&sources, class) };
        let mut found: BTreeMap<String, String> = found.into_iter().map(|(name, text)| (custom(&name), text)).collect();
        for (name, parameters) in *operations {
            let Some(signature) = found.remove(*name) else {
                out.push(format!("{}: {class}.{name} is missing", language.name));
                continue;
            };
            let known: BTreeSet<String> = all_words(&signature, &sources).iter().map(|word| custom(word)).collect();
            for parameter in *parameters {
                let spelt = [(*parameter).to_owned(), format!("{parameter}Ms"), format!("{parameter}S")];
                if !spelt.iter().any(|name| known.contains(name)) {
                    out.push(format!("{}: {class}.{name} lacks {parameter}", language.name));
                }
            }
        }
        out.extend(found.keys().map(|name| format!("{}: {class}.{name} is not in the list", language.name)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_operation_and_parameter() {
        let root = crate::paths::root();
        let found: Vec<String> = LANGUAGES.iter().flat_map(|language| differences(language, &root)).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn what_is_missing_is_seen() {
        let source = "export interface Wish extends Other {\n  why: string;\n}\nexport interface Other {\n  leaseS: number;\n}\n\
                      export class Tenders {\n  get(tenderId: string): X {\n    if (a) {}\n  }\n  async hold(w: Wish) {}\n}\n";
        let sources = [source.to_owned()];
        let found = LANGUAGES[1].methods(&sources, "Tenders");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["get", "hold"]);
        let known = all_words(&found["hold"], &sources);
        assert!(known.contains("why") && known.contains("leaseS") && !known.contains("tenderId"));
    }
}
