//! `cargo xtask test`: everything CI checks, in the order that fails fastest.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{demo, dependencies, plugins, tidy};

/// Runs every check and stops at the first that fails. Ends with a line of its own: `N passed, M failed`.
///
/// # Errors
/// What failed and the command that repeats it alone.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut report = Report::default();
    let outcome = run_all(root, &mut report);
    report.print(outcome.is_err());
    outcome
}

fn run_all(root: &Path, report: &mut Report) -> Result<(), String> {
    let guests = root.join(plugins::WORKSPACE);
    report.step("tidy", || tidy::run(root))?;
    report.step("dependencies", || dependencies::run(root))?;
    report.step("format", || cargo(root, &["fmt", "--all", "--check"]))?;
    report.step("format of the guests", || cargo(&guests, &["fmt", "--all", "--check"]))?;
    report.step("lints of the guests", || cargo(&guests, &plugins::NATIVE_LINTS))?;
    report.tests("unit tests of the guests", &guests, &plugins::NATIVE_TEST)?;
    report.step("components of the guests", || plugins::build_all(root).map(drop))?;
    report.step("lints", || {
        cargo(root, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
    })?;
    report.tests(
        "unit tests and store conformance",
        root,
        &["test", "--workspace", "--exclude", "mortise-system-tests", "--locked"],
    )?;
    // `--workspace` again, so that what they share is built once, with the same features.
    report.tests("whole system", root, &["test", "--workspace", "--test", "system", "--locked"])?;
    report.step("demo", || demo::run(root, demo::Ending::Once))
}

#[derive(Default)]
struct Report {
    steps: Vec<(String, Duration)>,
    tests: Tests,
}

/// Tests that were run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tests {
    passed: usize,
    failed: usize,
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
        let mut tests = Tests::default();
        let outcome = self.step(name, || cargo_test(directory, arguments, &mut tests));
        self.tests.passed += tests.passed;
        self.tests.failed += tests.failed;
        outcome
    }

    /// A failure that is no test's, such as a lint, counts as one failed.
    fn print(&self, has_failed: bool) {
        eprintln!();
        for (name, duration) in &self.steps {
            eprintln!("{:>6.1} s  {name}", duration.as_secs_f64());
        }
        let total: Duration = self.steps.iter().map(|(_, duration)| *duration).sum();
        eprintln!("{:>6.1} s  in all", total.as_secs_f64());
        let failed = self.tests.failed.max(usize::from(has_failed));
        println!("\n{} passed, {failed} failed", self.tests.passed);
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

/// Runs `cargo test`, shows what it prints, and counts the tests.
fn cargo_test(directory: &Path, arguments: &[&str], tests: &mut Tests) -> Result<(), String> {
    let mut child = Command::new("cargo")
        .args(arguments)
        .current_dir(directory)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(Tests { passed, failed }) = Tests::of_summary(&line) {
                tests.passed += passed;
                tests.failed += failed;
            }
            println!("{line}");
        }
    }
    let status = child.wait().map_err(|error| format!("cargo cannot be waited for: {error}"))?;
    if !status.success() {
        return Err(repeat(directory, arguments));
    }
    if tests.passed == 0 {
        return Err("not one test ran".to_owned());
    }
    Ok(())
}

impl Tests {
    /// Reads `test result: ok. 12 passed; 0 failed; ...`.
    fn of_summary(line: &str) -> Option<Self> {
        let (_, counts) = line.split_once("test result: ")?.1.split_once(". ")?;
        let mut counts = counts.split("; ").map(|count| count.split_once(' '));
        let mut next = |word: &str| {
            counts.next()?.filter(|(_, found)| *found == word).and_then(|(count, _)| count.parse().ok())
        };
        Some(Self { passed: next("passed")?, failed: next("failed")? })
    }
}

fn repeat(directory: &Path, arguments: &[&str]) -> String {
    format!("repeat it with `cargo {}` in {}", arguments.join(" "), directory.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_from_a_summary_line_alone() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured";
        assert_eq!(Tests::of_summary(ok), Some(Tests { passed: 12, failed: 0 }));
        let failed = "test result: FAILED. 3 passed; 2 failed; 0 ignored";
        assert_eq!(Tests::of_summary(failed), Some(Tests { passed: 3, failed: 2 }));
        assert_eq!(Tests::of_summary("test cron::tests::lines ... ok"), None);
    }
}
