//! `cargo xtask test`: everything CI checks, in the order that fails fastest.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{demo, dependencies, plugins, tidy};

/// Runs every check and stops at the first that fails.
///
/// # Errors
/// What failed and the command that repeats it alone.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut report = Report::default();
    report.step("tidy", || tidy::run(root))?;
    report.step("dependencies", || dependencies::run(root))?;
    report.step("format", || cargo(root, &["fmt", "--all", "--check"]))?;
    report.step("format of the guests", || cargo(&root.join(plugins::WORKSPACE), &["fmt", "--all", "--check"]))?;
    report.step("lints", || {
        cargo(root, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
    })?;
    report.step("guests", || plugins::build_all(root).map(drop))?;
    report.tests("unit tests of the guests", &root.join(plugins::WORKSPACE), &plugins::NATIVE_TEST)?;
    report.tests(
        "unit tests and store conformance",
        root,
        &["test", "--workspace", "--exclude", "mortise-system-tests", "--locked"],
    )?;
    report.tests("whole system", root, &["test", "--package", "mortise-system-tests", "--locked"])?;
    report.step("demo", || demo::run(root, demo::Ending::Once))?;
    report.print();
    Ok(())
}

#[derive(Default)]
struct Report {
    steps: Vec<(String, Duration)>,
    tests: usize,
}

impl Report {
    fn step(&mut self, name: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        eprintln!("\n== {name}");
        let started = Instant::now();
        work().map_err(|error| format!("{name} failed: {error}"))?;
        self.steps.push((name.to_owned(), started.elapsed()));
        Ok(())
    }

    fn tests(&mut self, name: &str, directory: &Path, arguments: &[&str]) -> Result<(), String> {
        let mut passed = 0;
        self.step(name, || {
            passed = cargo_test(directory, arguments)?;
            Ok(())
        })?;
        self.tests += passed;
        Ok(())
    }

    fn print(&self) {
        eprintln!();
        for (name, duration) in &self.steps {
            eprintln!("{:>6.1} s  {name}", duration.as_secs_f64());
        }
        eprintln!("\n{} tests passed", self.tests);
    }
}

fn cargo(directory: &Path, arguments: &[&str]) -> Result<(), String> {
    let status = Command::new("cargo")
        .args(arguments)
        .current_dir(directory)
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err(repeat(directory, arguments)) }
}

/// Runs `cargo test`, shows what it prints, and counts the tests that passed.
fn cargo_test(directory: &Path, arguments: &[&str]) -> Result<usize, String> {
    let mut child = Command::new("cargo")
        .args(arguments)
        .current_dir(directory)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    let mut passed = 0;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            passed += passed_tests(&line).unwrap_or(0);
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| format!("cargo cannot be waited for: {error}"))?;
    if !status.success() {
        return Err(repeat(directory, arguments));
    }
    if passed == 0 {
        return Err("not one test ran".to_owned());
    }
    Ok(passed)
}

fn passed_tests(line: &str) -> Option<usize> {
    let (_, counts) = line.split_once("test result: ok. ")?;
    counts.split(' ').next()?.parse().ok()
}

fn repeat(directory: &Path, arguments: &[&str]) -> String {
    format!("repeat it with `cargo {}` in {}", arguments.join(" "), directory.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted_from_a_summary_line_alone() {
        assert_eq!(passed_tests("test result: ok. 12 passed; 0 failed; 0 ignored"), Some(12));
        assert_eq!(passed_tests("test cron::tests::lines ... ok"), None);
    }
}
