//! Who may open a socket here: by which name of this server, and from a page of which origin.
//!
//! A browser sends a page's origin with an upgrade and lets the page of any site open a socket to
//! any host; and a site may let its own name point here (DNS rebinding). So a request must call this
//! server by one of its names, and a page must be this server's own or of an origin that was allowed.
//! Programs that are no browsers send no Origin.
//!
//! Source: RFC 6454 section 6 (what an origin looks like), RFC 6455 section 10.2.

use crate::http::Head;
use crate::upgrade::UpgradeFault;

/// Stands for any name or any origin.
const ANY: &str = "*";

/// Whether `host`, as it stood in the request's `Host` header, is a name of this server.
///
/// `hosts` holds names without a port; `*` stands for any.
pub(crate) fn is_host(hosts: &[String], host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    hosts.iter().any(|known| known == ANY || known.eq_ignore_ascii_case(name))
}

/// Whether a page of `origin` may talk to what it calls `host`: its own server, or an allowed one.
fn is_origin(origins: &[String], origin: &str, host: &str) -> bool {
    let own = origin.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host));
    own || origins.iter().any(|known| known == ANY || known.eq_ignore_ascii_case(origin))
}

/// Whether the request may open a socket.
///
/// # Errors
/// `HostUnknown` or `OriginNotAllowed`.
pub(crate) fn admit(
    head: &Head<'_>,
    hosts: &[String],
    origins: &[String],
) -> Result<(), UpgradeFault> {
    let host = head.host.unwrap_or_default();
    if !is_host(hosts, host) {
        return Err(UpgradeFault::HostUnknown);
    }
    match head.origin {
        Some(origin) if !is_origin(origins, origin, host) => Err(UpgradeFault::OriginNotAllowed),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_the_names_of_this_server_are_its_host() {
        let hosts = names(&["localhost", "127.0.0.1", "[::1]"]);
        for good in ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "[::1]:8080", "[::1]"] {
            assert!(is_host(&hosts, good), "{good}");
        }
        for bad in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil:80", "::1"] {
            assert!(!is_host(&hosts, bad), "{bad}");
        }
        assert!(is_host(&names(&["*"]), "anything:1"));
    }

    #[test]
    fn a_page_of_this_very_server_and_of_an_allowed_origin_may_come_and_no_other() {
        let origins = names(&["https://desk.example"]);
        for good in ["http://localhost:8080", "HTTP://LOCALHOST:8080", "https://desk.example"] {
            assert!(is_origin(&origins, good, "localhost:8080"), "{good}");
        }
        for bad in [
            "",
            "null",
            "localhost:8080",
            "http://localhost",
            "http://localhost:9090",
            "http://localhost:8080.evil.example",
            "http://desk.example",
            "https://desk.example:444",
            "https://evil.example",
        ] {
            assert!(!is_origin(&origins, bad, "localhost:8080"), "{bad}");
        }
        assert!(is_origin(&names(&["*"]), "null", "localhost:8080"));
    }
}
