//! The addresses of vendors.
//!
//! Codes and credentials go over `https` alone. Plain `http` is for this machine, or for a network that the operator
//! vouches for with `plain_http = true`.

use reqwest::Url;

/// Reads an address to post to.
///
/// # Errors
/// Says what is wrong with it, never what was written.
pub(crate) fn parse(text: &str, plain_http: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    match url.scheme() {
        "https" => {}
        "http" if plain_http || is_loopback(&url) => {}
        "http" => return Err("is plain http to another machine"),
        _ => return Err("is not an http or https URL"),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password");
    }
    if url.fragment().is_some() {
        return Err("has a fragment");
    }
    Ok(url)
}

/// `path` below a base address, whatever slashes it ends in.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), path.trim_start_matches('/')));
    url.set_query(None);
    url
}

/// Whether a host is this machine.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_travel_in_the_clear_to_another_machine() {
        assert!(parse("http://vendor.example", false).is_err());
        assert!(parse("http://127.0.0.1.vendor.example", false).is_err());
        assert!(parse("http://localhost.vendor.example", false).is_err());
        assert!(parse("http://vendor.example", true).is_ok());
        for url in
            ["https://vendor.example", "http://127.0.0.1:80/x", "http://[::1]:5000", "http://localhost"]
        {
            assert!(parse(url, false).is_ok(), "{url}");
        }
        for url in
            ["ftp://vendor.example", "https://user:pass@vendor.example", "vendor.example", "https://a/#b"]
        {
            assert!(parse(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn a_path_goes_below_a_base_with_and_without_a_slash() {
        let below = |base| below(&Url::parse(base).unwrap(), "/a.json").to_string();
        assert_eq!(below("https://x.example"), "https://x.example/a.json");
        assert_eq!(below("https://x.example/base/"), "https://x.example/base/a.json");
    }
}
