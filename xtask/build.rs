//! Tells the platform that xtask runs on.

fn main() {
    if let Ok(host) = std::env::var("TARGET") {
        println!("cargo::rustc-env=XTASK_HOST={host}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
