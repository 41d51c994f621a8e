//! Starting it wrongly is explained.

use signaling::{RoomClock, TokenKey};

use crate::running::lianmai;

#[test]
fn without_a_secret_only_dev_starts_and_the_error_says_what_to_do() {
    let output = lianmai().arg("serve").output().unwrap();

    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(error.contains("LIANMAI_AUTH_SECRET") && error.contains("--dev"), "{error}");
}

#[test]
fn a_token_is_good_for_whom_it_names_under_the_configured_secret() {
    let secret = "0123456789abcdef0123456789abcdef";
    let output = lianmai()
        .args(["token", "--room", "a", "--identity", "bob", "--role", "guest", "--ttl", "90s"])
        .env("LIANMAI_AUTH_SECRET", secret)
        .output()
        .unwrap();

    let token = String::from_utf8(output.stdout).unwrap();
    let key = TokenKey::new(secret.as_bytes()).unwrap();
    let now = RoomClock::start().now();
    let claims = key.verify(token.trim(), now).unwrap();
    assert_eq!(claims.member.user.as_str(), "bob");
    assert_eq!(claims.member.role, room_rules::Role::Guest);
    assert!(claims.expires_unix_s.abs_diff(now.unix_millis() / 1000 + 90) <= 2);
    assert!(!String::from_utf8(output.stderr).unwrap().contains(secret));
}

#[test]
fn a_name_that_nobody_may_have_gets_no_token() {
    for (room, identity, role) in
        [("a b", "bob", "host"), ("a", "program", "host"), ("a", "bob", "king")]
    {
        let output = lianmai()
            .args(["token", "--room", room, "--identity", identity, "--role", role])
            .output()
            .unwrap();

        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_unknown_key_in_the_file_stops_the_start() {
    let path = std::env::temp_dir().join(format!("lianmai-bad-{}.toml", std::process::id()));
    std::fs::write(&path, "[media]\nworkrs = 2\n").unwrap();

    let output = lianmai().args(["serve", "--dev", "--config"]).arg(&path).output().unwrap();

    std::fs::remove_file(&path).unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("workrs"));
}
