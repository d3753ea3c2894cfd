use super::*;

fn parse(url: &str) -> PostgresSettings {
    PostgresSettings::parse(url).unwrap()
}

fn refused(url: &str) -> String {
    PostgresSettings::parse(url).unwrap_err()
}

#[test]
fn a_whole_url_is_understood_and_shown_without_its_password() {
    let settings = parse(
        "postgresql://back%20stop:p%40ss%3Fw@db.internal:6432/codes?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem\
         &connect_timeout=3&application_name=node-1",
    );
    assert_eq!(settings.to_string(), "postgres://back stop@db.internal:6432/codes");
    assert_eq!(settings.config.get_password(), Some(&b"p@ss?w"[..]));
    assert_eq!(settings.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
    assert_eq!(settings.config.get_application_name(), Some("node-1"));
    assert_eq!(
        (settings.tls, settings.roots.clone()),
        (SslMode::VerifyFull, Roots::File("/etc/ca.pem".into()))
    );
    assert!(!format!("{settings:?}{settings}").contains("p@ss"));
}

#[test]
fn what_is_not_said_is_what_libpq_takes() {
    let settings = parse("postgres://u@h/d");
    assert_eq!((settings.tls, settings.roots.clone()), (SslMode::Prefer, Roots::Public));
    assert_eq!(settings.config.get_application_name(), Some("backstop"));
    assert_eq!(settings.connections, CONNECTIONS);
    assert!(!settings.has_password());
}

#[test]
fn ssl_modes_mean_what_they_mean_to_libpq() {
    let tls = |rest: &str| parse(&format!("postgres://u@h/d?{rest}")).tls;
    assert_eq!(tls("sslmode=disable"), SslMode::Disable);
    assert_eq!(tls("sslmode=require"), SslMode::Require);
    assert_eq!(tls("sslmode=require&sslrootcert=/ca.pem"), SslMode::VerifyCa);
    assert_eq!(tls("sslrootcert=system"), SslMode::VerifyFull);
    assert!(refused("postgres://u@h/d?sslmode=verify-ca&sslrootcert=system").contains("verify-full"));
    assert!(refused("postgres://u@h/d?sslmode=allow").contains("verify-ca, verify-full"));
}

#[test]
fn a_server_elsewhere_must_show_who_it_is() {
    let trusts = |url: &str| parse(url).trusts_the_network();
    assert!(trusts("postgres://u@db.internal/d") && trusts("postgres://u@10.0.0.1/d?sslmode=require"));
    assert!(!trusts("postgres://u@db.internal/d?sslmode=verify-full"));
    assert!(!trusts("postgres://u@localhost/d") && !trusts("postgres://u@[::1]/d"));
    assert!(!trusts("postgres://u@/d?host=/var/run/postgresql"));
}

#[test]
fn several_hosts_and_sockets_of_this_machine_are_hosts_too() {
    assert_eq!(parse("postgres://u@a:1,b:2,[::1]:3/d").to_string(), "postgres://u@a:1,b:2,[::1]:3/d");
    let local = parse("postgres://u@/d?host=/var/run/postgresql&sslmode=require");
    assert_eq!(local.to_string(), "postgres://u@/var/run/postgresql/d");
    assert_eq!(local.tls, SslMode::Disable);
}

#[test]
fn a_parameter_that_nobody_reads_is_refused_by_its_name() {
    for name in ["requiressl", "options", "target_session_attrs", "synchronous_commit", "sslcert"] {
        let problem = refused(&format!("postgres://u@h/d?{name}=1"));
        assert!(problem.contains(&format!("has a parameter {name} that is not known")), "{problem}");
    }
}

#[test]
fn no_refusal_repeats_a_password() {
    for url in [
        "mysql://u:s3cret@h/d",
        "postgres://u:s3cret@s3cret@h/d",
        "postgres://u:a@s3cret?s3cret@h/d",
        "postgres://u:s3cret",
        "postgres://u:s3cret@h:port/d",
        "postgres://u:s3cret@/d",
        "postgres://u:s3cret@a:1,b:2,c/d?port=1,2",
        "postgres://u@h/d?password=a&s3cret=b",
        "postgres://h/d?s3cret",
        "postgres://h/d?S3CRET s3cret=1",
        "postgres://u:s3cret@h/d?connect_timeout=s3cret",
        "postgres://u:s3cret@h/d?sslmode=s3cret",
        "postgres://u%FFs3cret:x@h/d",
    ] {
        let problem = refused(url);
        assert!(!problem.contains("s3cret"), "{url}: {problem}");
    }
}
