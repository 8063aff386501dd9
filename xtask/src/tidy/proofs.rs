//! What is promised has a test that proves it.
//!
//! The pages of `docs/` name tests as `` `path/to/file.rs::name_of_the_test` ``, those of the whole system without the
//! path. Every such name must be a test that is there; every capability of the contract, every budget and every test guest must be named by one.

use std::collections::BTreeSet;

use super::tree::{Tree, extension};

/// The page that names what proves each capability and each bound.
const PAGE: &str = "docs/limits.md";
/// Where the bounds of a call are defined.
const BOUNDS: &str = "host/runtime/src/error.rs";
/// Where the tests of the whole system are.
const WHOLE_SYSTEM: &str = "tests/system/tests/system";
/// The interfaces that every plugin imports.
const WORLDS: &str = "wit/v0.1/worlds.wit";
/// What the guest that misbehaves can be told to do.
const BEHAVIOURS: &str = "tests/guests/misbehaving/src/behaviour.rs";

/// Every promise without a proof.
pub(super) fn check(tree: &Tree) -> Vec<String> {
    let mut breaches = check_named_tests(tree);
    breaches.extend(check_page(tree));
    breaches.extend(check_guests(tree));
    breaches
}

fn check_named_tests(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for (page, text) in tree.texts("docs/", "md") {
        for (file, test) in named_tests(text) {
            let file = if file.contains('/') { file.to_owned() } else { format!("{WHOLE_SYSTEM}/{file}") };
            match tree.text(&file) {
                None => breaches.push(format!("{page}: there is no file `{file}`")),
                Some(source) if !holds_test(source, test) => {
                    breaches.push(format!("{page}: there is no test `{test}` in {file}"));
                }
                Some(_) => {}
            }
        }
    }
    breaches
}

/// File and name of each test that a page names.
fn named_tests(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split('`').skip(1).step_by(2).filter_map(|code| {
        let (file, test) = code.split_once("::")?;
        (extension(file) == "rs").then_some((file, test))
    })
}

/// Whether `source` has a test `name`: a function right below an attribute that makes it one, or one that the store's
/// conformance suite hands a store.
fn holds_test(source: &str, name: &str) -> bool {
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line.contains("test");
            continue;
        }
        if let Some((_, function)) = line.split_once("fn ")
            && function.split('(').next() == Some(name)
            && (is_test || function.contains("(store: Arc<dyn Store>)"))
        {
            return true;
        }
        is_test &= line.starts_with("//");
    }
    false
}

fn check_page(tree: &Tree) -> Vec<String> {
    let Some(page) = tree.text(PAGE) else { return vec![format!("{PAGE}: is not there")] };
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    let is_proved = |name: &str| {
        let name = format!("`{name}`");
        rows.iter().any(|row| row.contains(&name) && named_tests(row).next().is_some())
    };
    let bounds = tree.text(BOUNDS).map(|text| variants(text, "pub enum Limit {")).unwrap_or_default();
    let interfaces = tree.text(WORLDS).map(imports).unwrap_or_default();
    let mut breaches = Vec::new();
    if bounds.is_empty() || interfaces.is_empty() {
        breaches.push(format!("{BOUNDS} or {WORLDS}: names no bound or no interface any more"));
    }
    for bound in bounds.into_iter().filter(|bound| !is_proved(bound)) {
        breaches.push(format!("{PAGE}: has no row that names the bound `{bound}` of {BOUNDS} and a test"));
    }
    for interface in interfaces.into_iter().filter(|interface| !is_proved(interface)) {
        breaches.push(format!("{PAGE}: has no row that names the interface `{interface}` and a test"));
    }
    breaches
}

/// Names of the variants of the enum that begins with `head`.
fn variants<'a>(text: &'a str, head: &str) -> Vec<&'a str> {
    let body = text.lines().skip_while(|line| line.trim() != head).skip(1).take_while(|line| *line != "}");
    body.map(str::trim)
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .filter_map(|line| line.split(['(', ',', ' ']).next())
        .collect()
}

/// Names of the interfaces that a world imports, but for the one that only defines types.
fn imports(text: &str) -> BTreeSet<&str> {
    let imported = text.lines().filter_map(|line| line.trim().strip_prefix("import ")?.strip_suffix(';'));
    imported.filter(|name| *name != "types").collect()
}

fn check_guests(tree: &Tree) -> Vec<String> {
    let tests: Vec<&str> = ["host/", "tests/system/", "benches/"]
        .into_iter()
        .flat_map(|folder| tree.texts(folder, "rs"))
        .map(|(_, text)| text)
        .collect();
    let is_used = |word: &str| {
        let literal = format!("\"{word}\"");
        tests.iter().any(|text| text.contains(&literal))
    };
    let mut breaches = Vec::new();
    for path in tree.paths() {
        let crate_name = path.strip_prefix("tests/guests/").and_then(|rest| rest.strip_suffix("/Cargo.toml"));
        if let Some(guest) = crate_name.filter(|guest| !is_used(guest)) {
            breaches.push(format!("tests/guests/{guest}: no test of the host loads it"));
        }
    }
    let behaviours = tree.text(BEHAVIOURS).map(behaviours).unwrap_or_default();
    if behaviours.is_empty() {
        breaches.push(format!("{BEHAVIOURS}: names no behaviour any more"));
    }
    for behaviour in behaviours.into_iter().filter(|behaviour| !is_used(behaviour)) {
        breaches.push(format!("{BEHAVIOURS}: no test of the host asks for `{behaviour}`"));
    }
    breaches
}

/// The words of the table `Variant = "word",`.
fn behaviours(text: &str) -> Vec<&str> {
    let rows = text.lines().map(str::trim).filter(|line| line.ends_with("\","));
    rows.filter_map(|row| row.split_once(" = \"")?.1.strip_suffix("\",")).collect()
}

#[cfg(test)]
mod tests {
    use super::{behaviours, holds_test, imports, named_tests, variants};

    #[test]
    fn a_page_names_tests_by_file_and_name() {
        let text = "| `Cpu` | `host/a/b.rs::it_stops` and `Type::method` |";
        assert_eq!(named_tests(text).collect::<Vec<_>>(), [("host/a/b.rs", "it_stops")]);
    }

    #[test]
    fn a_function_is_a_test_only_below_its_attribute() {
        let source = "#[tokio::test]\nasync fn it_stops() {\n}\n\nfn start() {}\n";
        assert!(holds_test(source, "it_stops"));
        assert!(!holds_test(source, "start"));
        assert!(!holds_test(source, "it"));
        assert!(holds_test("pub(crate) async fn it_is_kept(store: Arc<dyn Store>) {", "it_is_kept"));
    }

    #[test]
    fn names_are_read_from_the_code_that_defines_them() {
        let code = "pub enum Limit {\n    /// Time.\n    #[error(\"x\")]\n    Cpu(Duration),\n    Stack,\n}\npub enum B {\n    C,\n}";
        assert_eq!(variants(code, "pub enum Limit {"), ["Cpu", "Stack"]);
        assert_eq!(imports("  import types;\n  import http;\n").into_iter().collect::<Vec<_>>(), ["http"]);
        assert_eq!(behaviours("    /// Nothing.\n    Behave = \"behave\",\n"), ["behave"]);
    }
}
