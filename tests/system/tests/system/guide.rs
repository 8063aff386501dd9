//! The author's guide, followed step by step.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::author::{name, succeeded, toolchain};
use crate::fixture::{mortise, root};

/// Where the guide has its host listen.
const ADDRESS: &str = "127.0.0.1:7070";

/// A block of code of the guide: its language and its text.
struct Block {
    language: String,
    text: String,
}

/// The blocks of a page that a reader types in: `sh` and `rust`.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block { language: language.trim().to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks.retain(|block| matches!(block.language.as_str(), "sh" | "rust"));
    blocks
}

/// One script of the page's blocks, in their order: code goes into `src/lib.rs`, as the page says.
fn script(blocks: &[Block], address: &str) -> String {
    let mut steps = vec!["set -euo pipefail".to_owned(), "trap 'kill $(jobs -p) || true' EXIT".to_owned()];
    for (number, block) in blocks.iter().enumerate() {
        steps.push(format!("echo '== block {number}' >&2"));
        let text = block.text.replace(ADDRESS, address);
        if block.language == "sh" {
            steps.push(text);
        } else {
            steps.push(format!("cat > src/lib.rs <<'END_OF_BLOCK'\n{text}END_OF_BLOCK"));
        }
    }
    steps.join("\n")
}

#[test]
fn every_command_of_the_authors_guide_does_what_the_page_says() {
    let page = fs::read_to_string(root().join("docs/plugin-authors.md")).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() > 5, "the page has {} blocks", blocks.len());
    // The port is free now, and nobody else is told of it.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("follow.sh");
    fs::write(&path, script(&blocks, &address)).unwrap();

    let output = Command::new("bash")
        .arg(name(&path))
        .current_dir(directory.path())
        .env("PATH", path_with(mortise().parent().unwrap()))
        .env("MORTISE_SDK", root().join("sdk/rust"))
        .env("MORTISE_TOOLCHAIN_DIR", toolchain())
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();

    succeeded(&output);
}

fn path_with(folder: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap()
}
