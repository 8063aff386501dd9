//! Instructions of a call, counted by `valgrind --tool=callgrind` on a child of this program.
//!
//! The kernel's are not among them. Two runs of different length are compared, so that what happens once drops out.

use std::env;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::contender::Way;

/// Calls of the two runs.
const RUNS: [u32; 2] = [200, 1_200];

/// Instructions of one call. None where there is no valgrind.
///
/// # Errors
/// That the child failed, with what it said.
pub(crate) fn instructions(way: Way, directory: &Path) -> Outcome<Option<f64>> {
    let [short, long] = RUNS;
    let (Some(least), Some(most)) = (count(way, short, directory)?, count(way, long, directory)?) else {
        return Ok(None);
    };
    Ok(Some((most - least) / f64::from(long - short)))
}

fn count(way: Way, calls: u32, directory: &Path) -> Outcome<Option<f64>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["child", way.name(), &calls.to_string()])
        .arg(directory)
        .output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        output => output?,
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match counted {
        Some(counted) if output.status.success() => Ok(Some(counted)),
        _ => {
            Err(format!("the child `{}` under valgrind ended with {}: {said}", way.name(), output.status)
                .into())
        }
    }
}
