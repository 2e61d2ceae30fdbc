//! Addresses on the network: joining them, and telling whether two are on the same server.

/// The address without user name and password, safe to show.
pub(super) fn without_password(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = authority_of(rest);
            format!("{scheme}://{}{path}", host(authority))
        }
        None => url.to_owned(),
    }
}

/// The host and the port, if the address has one.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    host(authority_of(rest).0)
}

/// Whether both addresses have the same scheme, host and port, so that what is secret may be sent to both.
pub(super) fn is_same_server(one: &str, other: &str) -> bool {
    let server = |url: &str| {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        let host = host_of(url).to_ascii_lowercase();
        let port = if scheme == "http" { ":80" } else { ":443" };
        (host.strip_suffix(port).unwrap_or(&host).to_owned(), scheme)
    };
    server(one) == server(other)
}

/// Resolves `reference` against the page `base` (RFC 3986, the cases that indexes and redirects use). Name and password
/// of `base` are kept on the same server only.
pub(super) fn join_url(base: &str, reference: &str) -> String {
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let (authority, path) = authority_of(rest);
    let absolute = match reference.strip_prefix("//") {
        Some(rest) => Some(format!("{scheme}://{rest}")),
        None => has_scheme(reference).then(|| reference.to_owned()),
    };
    if let Some(absolute) = absolute {
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        return match (login, absolute.split_once("://")) {
            (Some(login), Some((scheme, rest))) if is_same_server(base, &absolute) => {
                format!("{scheme}://{login}@{}{}", host(authority_of(rest).0), authority_of(rest).1)
            }
            _ => absolute,
        };
    }
    if reference.starts_with('/') {
        return format!("{scheme}://{authority}{reference}");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if !path.ends_with('/') {
        parts.pop();
    }
    for part in reference.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{scheme}://{authority}/{}", parts.join("/"))
}

/// Whether it begins with a scheme, such as `https://`. A `://` may also be in the query of an address without one.
fn has_scheme(reference: &str) -> bool {
    let is_of_scheme = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    reference.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(is_of_scheme))
}

/// What follows `://`, split into the server, with any name and password, and the path.
fn authority_of(rest: &str) -> (&str, &str) {
    // As in a browser, a backslash ends the name of the server too.
    rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()))
}

/// The server without name and password.
fn host(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("https://me:pw@mirror.example/simple/"), "https://mirror.example/simple/");
        assert_eq!(without_password("https://mirror.example"), "https://mirror.example");
        assert_eq!(host_of("https://me:pw@mirror.example:8080/a"), "mirror.example:8080");
    }

    #[test]
    fn addresses_are_joined_as_a_browser_does() {
        let page = "https://me:pw@mirror/root/simple/pkg/";
        assert_eq!(join_url(page, "https://files/x.whl"), "https://files/x.whl");
        assert_eq!(join_url(page, "https://mirror:443/x.whl"), "https://me:pw@mirror:443/x.whl");
        assert_eq!(join_url(page, "http://mirror/x.whl"), "http://mirror/x.whl");
        assert_eq!(join_url(page, "/f/x.whl"), "https://me:pw@mirror/f/x.whl");
        assert_eq!(join_url(page, "/f?next=http://files/"), "https://me:pw@mirror/f?next=http://files/");
        assert_eq!(join_url(page, "../../f/x.whl"), "https://me:pw@mirror/root/f/x.whl");
        assert_eq!(join_url(page, "x.whl"), "https://me:pw@mirror/root/simple/pkg/x.whl");
        assert_eq!(join_url(page, "//files/x.whl"), "https://files/x.whl");
    }

    #[test]
    fn another_scheme_host_or_port_is_another_server() {
        assert!(is_same_server("https://hub.example/a", "HTTPS://me@HUB.example:443/b?c"));
        for other in [
            "http://hub.example/a",
            "https://hub.example:8443/a",
            "https://hub.example.evil/a",
            "https://hub.example@evil/a",
            "https://evil\\@hub.example/a",
            "https://evil?@hub.example/a",
            "https://evil#@hub.example/a",
        ] {
            assert!(!is_same_server("https://hub.example/a", other), "{other}");
        }
    }
}
