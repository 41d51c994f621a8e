//! Goal: an operator can trust the example file, and a mistake in a setting is reported, not
//! ignored. Method: load real files and a given environment, look at the result.

// A helper of a test may give up as a test may.
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::path::Path;

use ledger::Place;
use server::{Config, ConfigError, DEV_SECRET, Mode};

const NOTHING: [(String, String); 0] = [];

#[test]
fn the_example_file_equals_the_defaults_and_names_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("lianmai.example.toml");
    let example: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    let defaults = toml::Table::try_from(Config::default()).unwrap();

    assert_eq!(example, defaults);
    assert_eq!(Config::load(Some(&path), NOTHING).unwrap(), Config::default());
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let error = load("[http]\nlistne = \"127.0.0.1:80\"\n", &[]).unwrap_err();

    assert!(error.to_string().contains("listne"), "{error}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "[http]\nlisten = \"127.0.0.1:1\"\n[media]\nworkers = 1\n";
    let env = [("LIANMAI_HTTP_LISTEN", "127.0.0.1:2"), ("LIANMAI_MEDIA_FIRST_PORT", "9000")];

    let config = load(file, &env).unwrap();

    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.media.first_port, 9000);
    assert_eq!(config.media.workers, 1);
}

#[test]
fn whoever_lists_gifts_lists_them_all_and_a_wrong_one_is_named() {
    let gifts = |text: &str| load(text, &[]).unwrap().room_settings().map(|room| room.gifts);

    assert_eq!(gifts("").unwrap().gifts().len(), 4);
    let yacht = "[[gifts]]\nid = \"yacht\"\nname = \"游艇\"\ncoins = 9999\nlevel = \"luxury\"\n";
    let one = gifts(yacht).unwrap();
    assert_eq!((one.gifts().len(), one.gifts()[0].coins), (1, 9_999));
    for (wrong, named) in [
        (yacht.replace("9999", "0"), "yacht must cost"),
        (yacht.replace("luxury", "big"), "yacht: a level"),
        (format!("{yacht}{yacht}"), "yacht is there twice"),
        ("gifts = []\n".to_owned(), "1 to 200"),
    ] {
        let error = gifts(&wrong).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn a_ledger_is_in_one_place_and_its_password_is_not_told() {
    let place = |text: &str| load(text, &[]).unwrap().ledger.place(Mode::Dev);

    assert_eq!(place("").unwrap(), Place::Temporary);
    assert_eq!(place("[ledger]\npath = \"l\"\n").unwrap(), Place::File("l".into()));
    let url = "postgres_url = \"postgres://bob:hunter2@localhost/shop\"\n";
    let text = format!("[ledger]\n{url}");
    assert!(!format!("{:?}", load(&text, &[]).unwrap()).contains("hunter2"));
    let remote = place(&text).unwrap();
    assert_eq!(format!("{remote} {remote:?}"), "in PostgreSQL Postgres(PostgresUrl(..))");
    let both = place(&format!("[ledger]\npath = \"l\"\n{url}"));
    assert!(matches!(both, Err(ConfigError::TwoLedgers)));
}

#[test]
fn a_variable_of_the_wrong_type_is_refused_by_name() {
    let error = load("", &[("LIANMAI_MEDIA_WORKERS", "two")]).unwrap_err();

    assert!(error.to_string().contains("LIANMAI_MEDIA_WORKERS"), "{error}");
}

#[test]
fn only_dev_starts_without_a_secret_of_its_own() {
    let secret = |text: &str| {
        let config = load("", &[("LIANMAI_AUTH_SECRET", text)]).unwrap();
        config.secret(Mode::Production).map(str::to_owned)
    };

    assert!(matches!(secret(""), Err(ConfigError::NoSecret)));
    assert!(matches!(secret("short"), Err(ConfigError::ShortSecret)));
    assert!(matches!(secret(DEV_SECRET), Err(ConfigError::PublicSecret)));
    assert!(secret("0123456789abcdef0123456789abcdef").is_ok());
    assert_eq!(Config::default().secret(Mode::Dev).unwrap(), DEV_SECRET);
}

#[test]
fn the_secret_is_not_in_what_is_logged() {
    let config = load("", &[("LIANMAI_AUTH_SECRET", "0123456789abcdef0123456789abcdef")]).unwrap();

    assert!(!format!("{config:?}").contains("0123456789abcdef"));
}

#[test]
fn dev_listens_on_loopback_whatever_the_file_says() {
    let file = "[http]\nlisten = \"0.0.0.0:8080\"\n[media]\nbind = [\"0.0.0.0\", \"::1\"]\n";
    let mut config = load(file, &[]).unwrap();

    config.keep_on_loopback();

    assert!(config.http.listen.ip().is_loopback());
    assert!(config.media.bind.iter().all(IpAddr::is_loopback));
    assert!(config.advertised().unwrap().iter().all(IpAddr::is_loopback));
}

#[test]
fn a_variable_can_hold_a_list_and_browsers_are_told_of_every_address() {
    let config = load("", &[("LIANMAI_MEDIA_BIND", "0.0.0.0, ::")]).unwrap();
    assert_eq!(config.media.bind.len(), 2);
    assert!(config.advertised().is_err(), "nobody can send to the unspecified address");

    let variables = [
        ("LIANMAI_MEDIA_BIND", "0.0.0.0,::"),
        ("LIANMAI_MEDIA_ADVERTISED", "192.0.2.1,2001:db8::1"),
    ];
    let config = load("", &variables).unwrap();
    let told: Vec<String> = config.advertised().unwrap().iter().map(IpAddr::to_string).collect();
    assert_eq!(told, ["192.0.2.1", "2001:db8::1"]);
}

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let dir = std::env::temp_dir();
    let name =
        format!("lianmai-config-{}-{:?}.toml", std::process::id(), std::thread::current().id());
    let path = dir.join(name);
    std::fs::write(&path, file).unwrap();
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::load(Some(&path), env);
    std::fs::remove_file(&path).unwrap();
    config
}
