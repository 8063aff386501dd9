//! What the source of host crates may not say.

use super::tree::Tree;

/// Words that only some files may use: the word, where it is right, and why nowhere else.
const ONLY_IN: [(&str, &[&str], &str); 8] = [
    ("SystemTime::now", &["host/model/src/clock.rs"], "the clock is `model::clock::Clock`"),
    ("Utc::now", &["host/model/src/clock.rs"], "the clock is `model::clock::Clock`"),
    ("Local::now", &["host/model/src/clock.rs"], "the clock is `model::clock::Clock`"),
    (
        "TcpStream",
        &["host/egress/", "host/api/src/serve.rs"],
        "only `host/egress` opens sockets to addresses that others choose",
    ),
    ("TcpListener", &["host/api/src/serve.rs", "host/cli/src/serve.rs"], "the host listens in one place"),
    ("UdpSocket", &["host/egress/"], "only `host/egress` opens sockets to addresses that others choose"),
    ("lookup_host", &["host/egress/"], "only `host/egress` asks for addresses of names"),
    ("ToSocketAddrs", &["host/egress/"], "only `host/egress` asks for addresses of names"),
];

/// The only files that may hold `unsafe` code.
const UNSAFE: [&str; 1] = ["host/runtime/src/image.rs"];

/// Every breach in the sources of host crates.
pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for (path, text) in tree.texts("host/", "rs").filter(|(path, _)| path.contains("/src/")) {
        check_words(path, text, &mut breaches);
        check_safety(path, text, &mut breaches);
    }
    breaches
}

fn check_words(path: &str, text: &str, breaches: &mut Vec<String>) {
    for (number, line) in text.lines().enumerate() {
        // Unit tests come last in a file, and may do what they like.
        if line.trim() == "#[cfg(test)]" {
            return;
        }
        let code = line.split("//").next().unwrap_or_default();
        for (word, allowed, why) in ONLY_IN {
            if code.contains(word) && !allowed.iter().any(|place| path.starts_with(place)) {
                breaches.push(format!("{path}:{}: `{word}`: {why}", number + 1));
            }
        }
    }
}

fn check_safety(path: &str, text: &str, breaches: &mut Vec<String>) {
    let is_root =
        path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs") || path.contains("/src/bin/");
    let wanted =
        if path == "host/runtime/src/lib.rs" { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
    if is_root && !text.contains(wanted) {
        breaches.push(format!("{path}: the crate's root needs {wanted}"));
    }
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let holds_unsafe = code.clone().any(|line| line.contains("unsafe {") || line.contains("unsafe fn"));
    if holds_unsafe && !UNSAFE.contains(&path) {
        breaches.push(format!("{path}: `unsafe` code; it may be in {} alone", UNSAFE.join(" and ")));
    }
}

#[cfg(test)]
mod tests {
    use super::{check_safety, check_words};

    #[track_caller]
    fn words(path: &str, text: &str, breaches: &[&str]) {
        let mut found = Vec::new();
        check_words(path, text, &mut found);
        assert_eq!(found, breaches);
    }

    #[test]
    fn the_machines_clock_is_read_in_one_place() {
        words("host/model/src/clock.rs", "Utc::now()", &[]);
        words("host/store/src/job.rs", "// not Utc::now()", &[]);
        words(
            "host/store/src/job.rs",
            "\nlet now = Utc::now();",
            &["host/store/src/job.rs:2: `Utc::now`: the clock is `model::clock::Clock`"],
        );
    }

    #[test]
    fn sockets_are_opened_in_one_room() {
        words("host/egress/src/wire.rs", "TcpStream::connect(address)", &[]);
        words(
            "host/records/src/page.rs",
            "TcpStream::connect(address)",
            &[
                "host/records/src/page.rs:1: `TcpStream`: only `host/egress` opens sockets to addresses that others choose",
            ],
        );
    }

    #[test]
    fn a_root_forbids_unsafe_code() {
        let mut found = Vec::new();
        check_safety("host/query/src/lib.rs", "//! Queries.", &mut found);
        check_safety("host/query/src/key.rs", "unsafe { key.assume_init() }", &mut found);
        assert_eq!(
            found,
            [
                "host/query/src/lib.rs: the crate's root needs #![forbid(unsafe_code)]",
                "host/query/src/key.rs: `unsafe` code; it may be in host/runtime/src/image.rs alone",
            ]
        );
    }
}
