//! `WWW-Authenticate` (RFC 9110 §11.6.1): what a server wants before it serves.

/// One challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme in lower case, such as `dpop`.
    pub scheme: String,
    /// The parameters, names in lower case, in their order.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// A parameter by its name in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// All challenges of a field value; several in one value and a `token68` are understood. What cannot be read ends the
/// list: an unreadable rest is no challenge.
pub fn parse(value: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = value.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (word, after) = token(rest);
        if word.is_empty() {
            break;
        }
        let after_space = after.trim_start_matches([' ', '\t']);
        let is_parameter = after_space.starts_with('=') && !challenges.is_empty();
        if is_parameter {
            let Some((parameter, next)) = quoted_or_token(after_space[1..].trim_start_matches([' ', '\t'])) else {
                break;
            };
            if let Some(last) = challenges.last_mut() {
                last.parameters.push((word.to_ascii_lowercase(), parameter));
            }
            rest = next.trim_start_matches([' ', '\t', ',']);
        } else {
            challenges.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
            rest = skip_token68(after_space).trim_start_matches([' ', '\t', ',']);
        }
    }
    challenges
}

/// The characters of `token` (RFC 9110 §5.6.2).
fn token(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))).unwrap_or(text.len());
    text.split_at(end)
}

fn quoted_or_token(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let (word, rest) = token(text);
        return (!word.is_empty()).then(|| (word.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = inner.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &inner[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

/// `Negotiate YII=`: credentials without a name, up to the comma.
fn skip_token68(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/".contains(c))).unwrap_or(text.len());
    let rest = text[end..].trim_start_matches('=');
    let alone = rest.trim_start_matches([' ', '\t']);
    if end > 0 && (alone.is_empty() || alone.starts_with(',')) { alone } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9449_sections_7_1_and_9() {
        let challenges = parse(r#"DPoP algs="ES256 PS256""#);
        assert_eq!(challenges[0].scheme, "dpop");
        assert_eq!(challenges[0].parameter("algs"), Some("ES256 PS256"));
        let challenges =
            parse(r#"DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof""#);
        assert_eq!(challenges[0].parameter("error"), Some("use_dpop_nonce"));
    }

    #[test]
    fn several_challenges_in_one_value() {
        let challenges = parse(
            r#"Bearer realm="a, b", error="x", , dpop ALGS = "ES256" , Negotiate YII=, Basic realm=plain, Custom"#,
        );
        let schemes: Vec<&str> = challenges.iter().map(|c| c.scheme.as_str()).collect();
        assert_eq!(schemes, ["bearer", "dpop", "negotiate", "basic", "custom"]);
        assert_eq!(challenges[0].parameter("realm"), Some("a, b"));
        assert_eq!(challenges[1].parameter("algs"), Some("ES256"));
        assert_eq!(challenges[3].parameter("realm"), Some("plain"));
    }

    #[test]
    fn quoted_pairs_are_read_and_rubbish_ends_the_list() {
        assert_eq!(parse(r#"A b="c\"d""#)[0].parameter("b"), Some("c\"d"));
        assert!(parse("").is_empty());
        assert!(parse("=,=").is_empty());
        assert_eq!(parse(r#"A b="never closed"#)[0].parameter("b"), None);
        assert_eq!(parse("A b=\u{7f}").len(), 1);
    }
}
