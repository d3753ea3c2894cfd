//! Who an application is to an authenticator: a domain, and the pages that may speak for it.
//!
//! The domain is for life. Passkeys are made for it and work nowhere else, so it comes from the first of the
//! application's origins, where its owner decides, and not from whichever happens to be the shortest.

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};
use webauthn_rp::request::{AsciiDomain, RpId};

/// The application as authenticators know it.
#[derive(Debug)]
pub struct RelyingParty {
    pub(super) id: RpId,
    pub(super) origins: Vec<String>,
}

/// No passkey can be made for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRelyingParty {
    /// The id is no domain name; an IP address cannot be one.
    #[error("passkeys belong to a domain name, not to an address")]
    Id,
    /// An origin is none, is not on the domain or below it, or is not protected.
    #[error(
        "an origin of passkeys is https:// and the domain or a name below it; http:// only for localhost"
    )]
    Origin,
}

impl RelyingParty {
    /// A relying party of this domain, for these pages.
    ///
    /// # Errors
    /// [`InvalidRelyingParty`], where a browser would refuse too.
    pub fn new(id: &str, origins: &[String]) -> Result<Self, InvalidRelyingParty> {
        let domain = match Host::parse(id) {
            Ok(Host::Domain(domain)) if !domain.ends_with('.') => domain,
            _ => return Err(InvalidRelyingParty::Id),
        };
        let origins: Vec<String> = origins
            .iter()
            .map(|text| origin(text, &domain).ok_or(InvalidRelyingParty::Origin))
            .collect::<Result<_, _>>()?;
        if origins.is_empty() {
            return Err(InvalidRelyingParty::Origin);
        }
        let id = AsciiDomain::try_from(domain).map_err(|_| InvalidRelyingParty::Id)?;
        Ok(Self { id: RpId::Domain(id), origins })
    }

    /// The relying party of an application: the domain of its first origin, else that of our own address, and every page
    /// on that domain or below it. `None` where there is no such domain: passkeys cannot be used then.
    ///
    /// A loopback address, as in development, stands for `localhost`: browsers know passkeys there and not on addresses.
    pub fn of(public_url: Option<&str>, origins: &[String]) -> Option<Self> {
        let all = origins.iter().map(String::as_str).chain(public_url);
        let pages: Vec<Url> = all.filter_map(|text| Url::parse(text).ok()).map(by_name).collect();
        let id = pages.first()?.domain()?.to_owned();
        let pages: Vec<String> = pages.iter().map(|page| page.origin().ascii_serialization()).collect();
        let usable: Vec<String> = pages.into_iter().filter(|page| origin(page, &id).is_some()).collect();
        Self::new(&id, &usable).ok()
    }

    /// The domain.
    pub fn id(&self) -> &str {
        self.id.as_ref()
    }

    /// The pages that may speak for it.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }
}

/// The origin as browsers write it, if a browser would let it use passkeys of `domain`.
fn origin(text: &str, domain: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let host = url.domain()?;
    let below = host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    let protected = url.scheme() == "https" || (url.scheme() == "http" && domain == "localhost");
    let bare =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (below && protected && bare).then(|| url.origin().ascii_serialization())
}

/// A loopback address by its name.
fn by_name(mut url: Url) -> Url {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        _ => false,
    };
    if loopback {
        // A name in place of an address is always taken.
        let _ = url.set_host(Some("localhost"));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(public_url: &str, origins: &[&str]) -> Option<(String, Vec<String>)> {
        let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
        let party = RelyingParty::of(Some(public_url), &origins)?;
        Some((party.id().to_owned(), party.origins().to_vec()))
    }

    fn party(id: &str, origins: &[&str]) -> (String, Vec<String>) {
        (id.to_owned(), origins.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_first_origin_decides_the_domain_and_pages_below_it_may_speak_for_it() {
        let origins = ["https://shop.example", "https://www.shop.example:8443", "https://other.example"];
        assert_eq!(
            of("https://verify.shop.example/base", &origins),
            Some(party(
                "shop.example",
                &["https://shop.example", "https://www.shop.example:8443", "https://verify.shop.example"]
            ))
        );
        assert_eq!(
            of("https://verify.shop.example", &[]),
            Some(party("verify.shop.example", &["https://verify.shop.example"]))
        );
    }

    #[test]
    fn a_name_that_only_ends_alike_is_another_domain() {
        assert_eq!(
            of("https://evilshop.example", &["https://shop.example"]),
            Some(party("shop.example", &["https://shop.example"]))
        );
    }

    #[test]
    fn without_protection_there_are_passkeys_on_localhost_only() {
        assert_eq!(of("http://verify.shop.example", &[]), None);
        assert_eq!(of("http://192.0.2.1:8080", &[]), None);
        let local = Some(party("localhost", &["http://localhost:8080"]));
        for own in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080/"] {
            assert_eq!(of(own, &[]), local, "{own}");
        }
        assert!(RelyingParty::of(None, &[]).is_none());
        let development = ["http://127.0.0.1:8080".to_owned()];
        assert_eq!(
            RelyingParty::of(None, &development).map(|party| party.id().to_owned()),
            Some("localhost".into())
        );
    }

    #[test]
    fn what_a_browser_would_refuse_is_refused_here() {
        let new = |id: &str, origin: &str| RelyingParty::new(id, &[origin.to_owned()]).map(|_| ());
        assert_eq!(new("shop.example", "https://shop.example"), Ok(()));
        for id in ["", "192.0.2.1", "[::1]", "shop example", "shop.example.", "shop.example:8443"] {
            assert_eq!(new(id, "https://shop.example"), Err(InvalidRelyingParty::Id), "{id}");
        }
        for origin in [
            "",
            "http://shop.example",
            "https://other.example",
            "https://shop.example/page",
            "https://192.0.2.1",
        ] {
            assert_eq!(new("shop.example", origin), Err(InvalidRelyingParty::Origin), "{origin}");
        }
        assert_eq!(RelyingParty::new("shop.example", &[]).map(|_| ()), Err(InvalidRelyingParty::Origin));
    }
}
