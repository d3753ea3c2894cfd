//! Where a person calls from: the socket's peer, or what our own proxies say about it.
//!
//! `X-Forwarded-For` counts only if the peer is a trusted proxy, and of it only the right-most address that is not
//! another trusted proxy: everything left of that anybody can write.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use ipnet::IpNet;

use crate::error::Problem;

/// The other end of the connection. The server puts it into every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The person's address.
pub(crate) fn person(parts: &Parts, trusted: &[IpNet]) -> Result<IpAddr, Problem> {
    let Some(Peer(peer)) = parts.extensions.get::<Peer>() else {
        return Err(Problem::internal("a request came without its peer"));
    };
    let forwarded: Vec<&str> = parts
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("").split(','))
        .map(str::trim)
        .collect();
    Ok(rightmost_untrusted(peer.ip().to_canonical(), &forwarded, trusted))
}

/// Walks from the peer outwards for as long as the proxies are ours. What cannot be read ends the walk at the last
/// address that can be believed.
fn rightmost_untrusted(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let ours = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut believed = peer;
    for hop in forwarded.iter().rev() {
        if !ours(&believed) {
            break;
        }
        let Some(address) = address(hop) else { break };
        believed = address;
    }
    believed
}

/// An address, with or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.parse::<IpAddr>().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
    bare.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person_behind(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        rightmost_untrusted(peer.parse().unwrap(), forwarded, &trusted).to_string()
    }

    #[test]
    fn nobody_chooses_their_network_by_a_header() {
        for n in 0..1000 {
            let forged = format!("10.{}.{}.1", n / 250, n % 250);
            assert_eq!(person_behind("198.51.100.7", &[&forged], &["10.0.0.0/8"]), "198.51.100.7");
            let chain = [forged.as_str(), "203.0.113.9"];
            assert_eq!(person_behind("10.9.9.9", &chain, &["10.0.0.0/8"]), "203.0.113.9");
        }
    }

    #[test]
    fn a_chain_of_our_own_proxies_is_walked_to_its_end() {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"];
        assert_eq!(person_behind("10.0.0.1", &["203.0.113.9", "10.0.0.2"], &trusted), "203.0.113.9");
        assert_eq!(person_behind("2001:db8::1", &["203.0.113.9:4711"], &trusted), "203.0.113.9");
        assert_eq!(person_behind("10.0.0.1", &["10.0.0.3", "10.0.0.2"], &trusted), "10.0.0.3");
        assert_eq!(person_behind("10.0.0.1", &[], &trusted), "10.0.0.1");
    }

    #[test]
    fn what_cannot_be_read_is_not_believed() {
        for junk in ["unknown", "", "203.0.113", "_hidden", "203.0.113.9 evil"] {
            assert_eq!(
                person_behind("10.0.0.1", &["203.0.113.9", junk], &["10.0.0.0/8"]),
                "10.0.0.1",
                "{junk}"
            );
        }
    }
}
