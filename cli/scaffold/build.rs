//! Puts the template files into the program: a table of every file below `templates/`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    // Asked for when it runs: what `env!` would have put in stays behind when a checkout is moved.
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = here.join("../../templates").canonicalize()?;
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for path in &files {
        let relative = path.strip_prefix(&root).map_err(std::io::Error::other)?;
        let name = relative.to_string_lossy().replace('\\', "/");
        let path = path.display().to_string();
        writeln!(table, "    ({name:?}, include_bytes!({path:?}) as &[u8]),")
            .map_err(std::io::Error::other)?;
    }
    table.push_str("]\n");
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(PathBuf::from(out).join("templates.rs"), table)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // What a build of a rendered template or an editor left behind is no part of it.
        if entry.file_name() == "target" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
