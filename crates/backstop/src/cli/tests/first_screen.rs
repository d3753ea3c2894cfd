//! The first screen of `serve`.

use std::{path::Path, time::Duration};

use super::config;
use crate::{
    cli::{
        screen::Style,
        serve::{Banner, banner},
    },
    config::Config,
};

fn first_screen(config: &Config, file: Option<&Path>) -> String {
    let told = Banner {
        version: "0.1.0",
        config,
        file,
        address: "127.0.0.1:8080".parse().unwrap(),
        new_store: true,
        root_key: Some(Path::new("/srv/backstop/data/root.key")),
        working_directory: Some(Path::new("/srv/backstop")),
        ready_in: Duration::from_millis(80),
    };
    banner(&told, Style::PLAIN)
}

#[test]
fn the_first_screen_of_a_newcomer_holds_one_command_that_works_as_printed() {
    let screen = first_screen(&config(None), None);
    insta::assert_snapshot!("first_screen_development", screen);
    assert!(screen.lines().all(|line| line.starts_with("    curl") || line.chars().count() <= 110));
}

#[test]
fn the_first_screen_of_production_is_six_lines_without_a_key() {
    let text = "[countries]\nallow = [\"IN\"]\n[[application]]\nname = \"shop\"\nsecret_key = \"sk_shop_1f0c9a7e51d2b846\"\n\
                [[provider]]\nname = \"mail\"\nkind = \"smtp\"\nhost = \"h.example\"\nfrom = \"a@example.com\"\n\
                [[provider]]\nname = \"spare\"\nkind = \"smtp\"\nenabled = false\nhost = \"h.example\"\nfrom = \"a@example.com\"\n";
    let screen = first_screen(&config(Some(text)), Some(Path::new("backstop.toml")));
    insta::assert_snapshot!("first_screen_production", screen);
    assert_eq!(screen.lines().count(), 6);
}

#[test]
fn a_key_of_somebodys_own_is_never_printed() {
    let text = "profile = \"development\"\n[[application]]\nname = \"shop\"\nsecret_key = \"sk_own\"\n";
    let screen = first_screen(&config(Some(text)), None);
    assert!(screen.contains("-u shop:YOUR_KEY") && !screen.contains("sk_own"), "{screen}");
}

#[test]
fn a_root_key_that_lies_elsewhere_is_named_with_its_whole_path() {
    let config = config(None);
    let told = Banner {
        version: "0.1.0",
        config: &config,
        file: None,
        address: "127.0.0.1:8080".parse().unwrap(),
        new_store: false,
        root_key: Some(Path::new("/etc/backstop/root.key")),
        working_directory: Some(Path::new("/srv/backstop")),
        ready_in: Duration::from_millis(80),
    };
    let screen = banner(&told, Style::PLAIN);
    assert!(screen.contains("root key in /etc/backstop/root.key (mode 0600)"), "{screen}");
}
