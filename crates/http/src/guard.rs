//! The development rule: without a configuration the service has well-known keys and an inbox full of codes, so it
//! answers nobody but the person at this machine.
//!
//! Every path wants a loopback peer, a loopback `Host` (a page of the web that points its own name at 127.0.0.1 sends
//! another) and no sign of a proxy. Secret keys and `/dev/*` also want HTTP/1.1 and, where a browser says where a call
//! comes from, that it comes from our own pages. It is a net and not a wall: other programs of this machine pass.

use axum::extract::Request;
use http::{HeaderMap, Version, header, request::Parts};

use crate::{
    Entrance, Peer, Profile,
    error::{Code, Problem},
};

/// Stands before every path: gives the request back, or says why it is not answered.
pub(crate) fn development(entrance: &Entrance, request: Request) -> Result<Request, Problem> {
    if entrance.doors.profile == Profile::Production {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    this_machine(&parts)?;
    let path = parts.uri.path();
    if path == "/dev" || path.starts_with("/dev/") {
        same_origin(&parts)?;
    }
    Ok(Request::from_parts(parts, body))
}

fn this_machine(parts: &Parts) -> Result<(), Problem> {
    let loopback = |Peer(peer): &Peer| peer.ip().to_canonical().is_loopback();
    if !parts.extensions.get::<Peer>().is_some_and(loopback) {
        return Err(refused("the call comes from another machine"));
    }
    let proxied = |name: &str| name == "forwarded" || name == "via" || name.starts_with("x-forwarded-");
    if parts.headers.keys().any(|name| proxied(name.as_str())) {
        return Err(refused("the call came through a proxy: it has a Forwarded, X-Forwarded or Via header"));
    }
    match host(parts) {
        Some(host) if is_loopback(host) => Ok(()),
        _ => Err(refused("the Host must be localhost, 127.0.0.1 or [::1]")),
    }
}

/// Whether a call can be one of our own pages', or of no page at all.
pub(crate) fn same_origin(parts: &Parts) -> Result<(), Problem> {
    if matches!(parts.version, Version::HTTP_09 | Version::HTTP_10) {
        return Err(refused("this takes HTTP/1.1 or later"));
    }
    let host = host(parts).unwrap_or_default();
    let ours = format!("http://{host}");
    if !all(&parts.headers, header::ORIGIN.as_str(), |origin| origin.eq_ignore_ascii_case(&ours)) {
        return Err(refused("the call comes from a page of another origin"));
    }
    if !all(&parts.headers, "sec-fetch-site", |site| matches!(site, "same-origin" | "none")) {
        return Err(refused("the browser says that the call comes from another site"));
    }
    Ok(())
}

fn all(headers: &HeaderMap, name: &str, fits: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(&fits))
}

/// The host that was asked for; `None` if there is none, or two that differ.
fn host(parts: &Parts) -> Option<&str> {
    let named = parts.uri.authority().map(http::uri::Authority::as_str);
    let mut hosts = parts.headers.get_all(header::HOST).iter().map(|value| value.to_str().ok());
    match (named, hosts.next(), hosts.next()) {
        (None, Some(host), None) => host,
        (Some(named), None, None) => Some(named),
        (Some(named), Some(host), None) => host.filter(|host| *host == named),
        (_, _, _) => None,
    }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "[::1]") || name.eq_ignore_ascii_case("localhost")
}

fn refused(detail: &'static str) -> Problem {
    Problem::new(Code::DevelopmentOnly, detail)
}

#[cfg(test)]
mod tests;
