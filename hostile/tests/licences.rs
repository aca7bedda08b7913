//! Every dependency may be distributed with the program: the list of `deny.toml`, without `cargo deny`.

use std::process::Command;

#[test]
fn licences_of_all_dependencies_are_allowed() {
    let deny = std::fs::read_to_string("../deny.toml").unwrap();
    let list = deny.split_once("allow = [").unwrap().1.split_once(']').unwrap().0;
    let allowed: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(allowed.contains(&"Apache-2.0"));
    // Only what is built here has been fetched for certain.
    let version =
        Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output();
    let version = String::from_utf8(version.unwrap().stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{}", packages.len());
    let mut sources = std::collections::BTreeSet::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none").replace('/', " OR ");
        // All parts of an AND, and one part of an OR.
        let is_allowed = licence
            .split(" AND ")
            .all(|part| part.trim_matches(['(', ')']).split(" OR ").any(|one| allowed.contains(&one.trim())));
        assert!(is_allowed, "{name}: {licence}");
        // This repository, or the one registry that cargo has by itself.
        let source = package["source"].as_str();
        assert!(source.is_none_or(|s| s.starts_with("registry+")), "{name} comes from {source:?}");
        sources.extend(source);
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
}
