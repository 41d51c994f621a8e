//! Goal: no page asks the server for a file it does not have.
//! Method: compare the table in `lib.rs` with the folder, and follow every reference in every file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use web_demo::asset;

#[test]
fn the_pages_are_served_as_html() {
    for page in ["/", "/studio", "/watch", "/api"] {
        let found = asset(page).expect(page);

        assert_eq!(found.content_type, "text/html; charset=utf-8");
        assert!(found.body.starts_with(b"<!doctype html>"));
    }
}

#[test]
fn modules_have_a_type_browsers_run() {
    assert_eq!(
        asset("/assets/clock.js").expect("clock").content_type,
        "text/javascript; charset=utf-8"
    );
    assert_eq!(
        asset("/assets/style/base.css").expect("style").content_type,
        "text/css; charset=utf-8"
    );
    assert_eq!(asset("/assets/img/logo.svg").expect("picture").content_type, "image/svg+xml");
}

#[test]
fn unknown_and_climbing_paths_are_not_served() {
    for path in [
        "",
        "/nothing",
        "/assets",
        "/assets/",
        "/assets/../Cargo.toml",
        "/assets/nothing.js",
        "assets/clock.js",
    ] {
        assert_eq!(asset(path), None, "{path}");
    }
}

#[test]
fn every_file_in_the_folder_is_in_the_table() {
    for file in files() {
        let path = format!("/assets/{file}");
        let on_disk = std::fs::read(root().join(&file)).unwrap();

        assert_eq!(
            asset(&path).map(|found| found.body),
            Some(on_disk.as_slice()),
            "{path} is missing in lib.rs"
        );
    }
}

#[test]
fn every_referenced_file_exists() {
    let mut followed = 0;
    for file in files() {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        for reference in references(&text) {
            let path = resolve(&file, &reference);
            assert!(asset(&path).is_some(), "{file} asks for {reference}, which is {path}");
            followed += 1;
        }
    }

    assert!(followed > 40, "only {followed} references were found");
}

#[test]
fn pages_keep_to_a_strict_content_policy() {
    for file in files() {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ] {
            assert!(!text.contains(forbidden), "{file} uses {forbidden}");
        }
        if file.ends_with(".html") {
            for forbidden in
                ["<style", " style=", " onclick=", "javascript:", "http://", "https://", "<script>"]
            {
                assert!(!text.contains(forbidden), "{file} contains {forbidden}");
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}

/// Returns every file under `assets/`, as the table names it.
fn files() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is in the repository") {
            let path = entry.expect("the folder is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root()).expect("the walk began there");
                let name = name.to_str().expect("file names are ASCII");
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// Returns what a file loads: module imports, and anything written as an `/assets/` path in full.
fn references(text: &str) -> Vec<String> {
    let imports = text.split("from \"").skip(1).filter_map(|rest| rest.split('"').next());
    let typed = text.split("import(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let whole = text
        .split("=\"/assets/")
        .skip(1)
        .filter_map(|rest| rest.split(['"', '#']).next())
        .map(|rest| format!("/assets/{rest}"));
    let modules = imports.chain(typed).filter(|name| name.starts_with('.')).map(str::to_owned);

    modules.chain(whole).collect()
}

/// Returns the request path of `reference` as written in `file`.
fn resolve(file: &str, reference: &str) -> String {
    if reference.starts_with('/') {
        return reference.to_owned();
    }
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in reference.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/assets/{}", parts.join("/"))
}
