//! Compile anew when a file that the crate carries comes, goes or changes.

fn main() {
    for folder in [
        "environments",
        "templates",
        "../../wit",
        "../../policies/sdk",
        "../../policies/sdk-typescript",
        "../../policies/sdk-python",
    ] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
