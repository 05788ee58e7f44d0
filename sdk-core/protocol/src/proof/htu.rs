//! The address that a DPoP proof names (`htu`, RFC 9449 §4.2): the target address without query and fragment.

use url::Url;

/// The address as a proof names it. Scheme and host in lower case, a default port left out, an empty path `/`
/// (RFC 3986 §6.2.2 and §6.2.3); percent encoding and a trailing slash stay as they are.
pub fn normalise(url: &Url) -> String {
    let mut plain = url.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    // An address with a user never gets here from the configuration; the proof must not repeat one in any case.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.into()
}

/// The address of `path` (which begins with `/` and may have a query) below `base`, whose own path is kept.
pub fn below(base: &Url, path: &str) -> Option<Url> {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    // A dot segment would let an id climb out of its place; a second slash would name another host.
    let legal = path.starts_with('/') && !path.split('/').any(is_dot_segment) && !path.contains(['#', '\\']);
    if !legal {
        return None;
    }
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(query);
    Some(url)
}

fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

/// Where a nonce belongs: scheme, host and port, the default port made explicit, so that `https://a` and `https://a:443`
/// are one origin.
pub fn origin(url: &Url) -> String {
    format!("{}://{}:{}", url.scheme(), url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn htu(text: &str) -> String {
        normalise(&Url::parse(text).unwrap())
    }

    #[test]
    fn query_and_fragment_are_left_out() {
        assert_eq!(htu("https://resource.example.org/a?b=c#d"), "https://resource.example.org/a");
        assert_eq!(htu("https://user:pw@resource.example.org/a"), "https://resource.example.org/a");
    }

    #[test]
    fn host_and_port_are_normalised_and_the_path_is_not() {
        assert_eq!(htu("HTTPS://Resource.Example.ORG:443"), "https://resource.example.org/");
        assert_eq!(htu("https://resource.example.org:8443/a/"), "https://resource.example.org:8443/a/");
        assert_eq!(htu("https://resource.example.org/a%2Fb%7Ec"), "https://resource.example.org/a%2Fb%7Ec");
        assert_eq!(htu("https://[2001:DB8::1]/a"), "https://[2001:db8::1]/a");
        assert_eq!(
            htu("https://[2001:db8:0:0:0:0:0:1]:443/a"),
            "https://[2001:db8::1]/a",
            "one address has one spelling"
        );
        assert_eq!(htu("https://bücher.example/a"), "https://xn--bcher-kva.example/a");
        assert_eq!(htu("https://BÜCHER.example/ä"), "https://xn--bcher-kva.example/%C3%A4");
    }

    #[test]
    fn a_path_goes_below_the_base() {
        let base = Url::parse("https://carrier.example/api/").unwrap();
        let url = |path: &str| below(&base, path).map(String::from);
        assert_eq!(url("/v1/tenders?state=offer").unwrap(), "https://carrier.example/api/v1/tenders?state=offer");
        assert_eq!(url("v1"), None);
        for path in ["/v1/../admin", "/v1/%2E%2e/admin", "/v1/./a", "/v1#a", "/v1\\a"] {
            assert_eq!(url(path), None, "{path}");
        }
        let root = Url::parse("https://carrier.example").unwrap();
        assert_eq!(below(&root, "//evil.example/a").unwrap().host_str(), Some("carrier.example"));
    }

    #[test]
    fn one_origin_has_one_name() {
        let origin = |text: &str| origin(&Url::parse(text).unwrap());
        assert_eq!(origin("https://a.example/x"), origin("https://A.example:443/y?z"));
        assert_ne!(origin("https://a.example"), origin("https://a.example:8443"));
        assert_ne!(origin("https://a.example"), origin("http://a.example"));
    }
}
