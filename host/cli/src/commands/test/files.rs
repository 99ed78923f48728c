//! Which files are scenarios.

use std::path::{Path, PathBuf};

use suture_build::Project;

use crate::error::CliError;

/// The most scenario files that one call reads.
const MAX_FILES: usize = 10_000;

/// The scenario files among paths: files as they are, folders searched for `*.yaml`.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            // A policy's folder holds other YAML beside its scenarios.
            let scenarios = path.join("scenarios");
            let is_policy = scenarios.is_dir() && Project::at(path).is_ok();
            search(if is_policy { &scenarios } else { path }, 0, &mut files)?;
            if files.len() == before {
                return Err(
                    CliError::usage("there is no scenario (*.yaml) in this folder").at(path.display())
                );
            }
        } else if path.exists() {
            files.push(path.clone());
        } else {
            return Err(CliError::usage("there is no such file or folder").at(path.display()));
        }
    }
    Ok(files)
}

fn search(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let unreadable = |error: std::io::Error| CliError::usage(error.to_string()).at(folder.display());
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(unreadable)?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if path.is_dir() {
            // `target` and others hold what builds leave behind; a link could lead in circles.
            let is_left_behind = matches!(name.as_ref(), "target" | "node_modules" | "vendor");
            if depth < 8 && !is_left_behind && !name.starts_with('.') && !path.is_symlink() {
                search(&path, depth + 1, files)?;
            }
        } else if is_yaml {
            if files.len() >= MAX_FILES {
                return Err(CliError::usage(format!("more than {MAX_FILES} files")).at(folder.display()));
            }
            files.push(path);
        }
    }
    Ok(())
}
