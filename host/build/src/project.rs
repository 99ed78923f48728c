//! What stands in a policy's folder.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::BuildError;

/// What a policy is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A crate: the folder has a `Cargo.toml`.
    Rust,
    /// TypeScript or JavaScript: a folder with a `package.json`, or one `.ts`, `.js` or `.mjs` file.
    JavaScript,
    /// A folder with a `pyproject.toml`, or one `.py` file.
    Python,
}

/// A policy's sources: a folder, or a single file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// What it is written in.
    pub language: Language,
    /// What its component's file is called, without `.wasm`.
    pub name: String,
    /// The folder, or that of the file; absolute.
    pub dir: PathBuf,
    /// The file, where there is no more than it.
    pub(crate) file: Option<PathBuf>,
}

/// Folders that hold no sources of a policy, whatever their language.
const NOT_SOURCES: [&str; 8] =
    ["target", "node_modules", "__pycache__", "venv", "scenarios", "test", "tests", "dist"];
/// What sources and what they are built by are called.
const SOURCES: [&str; 9] = ["rs", "toml", "ts", "js", "mjs", "json", "py", "lock", "wit"];
/// How deep sources are looked for.
const MAX_DEPTH: usize = 12;

impl Project {
    /// The policy in a folder, or the policy that a file is.
    ///
    /// # Errors
    /// Where it is none, or what describes it can't be understood.
    pub fn at(path: &Path) -> Result<Self, BuildError> {
        let no_project = || BuildError::NoProject { path: path.to_owned() };
        let absolute = path.canonicalize().map_err(|_| no_project())?;
        if absolute.is_file() {
            return Self::file(&absolute).ok_or_else(no_project);
        }
        let named = |language, name: &str| Self {
            language,
            name: name.to_owned(),
            dir: absolute.clone(),
            file: None,
        };
        if let Some(cargo) = CargoToml::read(&absolute)? {
            // A workspace without a package is told apart when it is built.
            return Ok(named(Language::Rust, cargo.package.as_ref().map_or("", |package| &package.name)));
        }
        if let Some(package) = PackageJson::read(&absolute)? {
            return Ok(named(Language::JavaScript, package.file_name()));
        }
        if let Some(python) = PyProject::read(&absolute)? {
            return Ok(named(Language::Python, python.name(&absolute)?));
        }
        Err(no_project())
    }

    /// The policy whose folder something stands in: the nearest. None where there is none; what can't be
    /// understood on the way up is no policy's.
    pub fn around(path: &Path) -> Option<Self> {
        let absolute = std::path::absolute(path).ok()?;
        absolute.ancestors().skip(1).find_map(|folder| {
            let cargo = || CargoToml::read(folder).ok()?.filter(CargoToml::is_policy).map(drop);
            let package = || PackageJson::read(folder).ok()?.filter(PackageJson::is_policy).map(drop);
            let python = || PyProject::read(folder).ok()?.filter(PyProject::is_policy).map(drop);
            cargo().or_else(package).or_else(python)?;
            Self::at(folder).ok()
        })
    }

    fn file(path: &Path) -> Option<Self> {
        let language = match path.extension()?.to_str()? {
            "js" | "mjs" | "ts" => Language::JavaScript,
            "py" => Language::Python,
            _ => return None,
        };
        let name = path.file_stem()?.to_str()?.to_owned();
        Some(Self { language, name, dir: path.parent()?.to_owned(), file: Some(path.to_owned()) })
    }

    /// Where its component is written to, where no other place is named: beside a single file;
    /// otherwise `target/policies/NAME.wasm`, in the folder or in the Cargo workspace around it.
    pub fn component(&self) -> PathBuf {
        let file = format!("{}.wasm", self.name);
        match self.file {
            Some(_) => self.dir.join(file),
            None => target_directory(&self.dir).join("policies").join(file),
        }
    }

    /// The folders in which its sources stand, itself among them.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<_> =
            self.sources().iter().filter_map(|source| Some(source.parent()?.to_owned())).collect();
        folders.push(self.dir.clone());
        folders.sort();
        folders.dedup();
        folders
    }

    /// The files that its component is made of, as far as they stand in its folder.
    pub fn sources(&self) -> Vec<PathBuf> {
        if let Some(file) = &self.file {
            return vec![file.clone()];
        }
        let mut files = Vec::new();
        collect(&self.dir, 0, &mut files);
        files.sort();
        files
    }
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            if depth < MAX_DEPTH && !name.starts_with('.') && !NOT_SOURCES.contains(&name.as_ref()) {
                collect(&path, depth + 1, files);
            }
        } else if path.extension().is_some_and(|extension| SOURCES.iter().any(|known| extension == *known)) {
            files.push(path);
        }
    }
}

/// The target folder of the Cargo workspace around a folder, or else its own.
fn target_directory(dir: &Path) -> PathBuf {
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        return PathBuf::from(target);
    }
    let is_workspace =
        |folder: &&Path| CargoToml::read(folder).ok().flatten().is_some_and(|toml| toml.workspace.is_some());
    dir.ancestors().find(is_workspace).unwrap_or(dir).join("target")
}

/// Read a file that describes a project; none where it is not there.
fn read<T>(
    folder: &Path,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, BuildError> {
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            parse(&text).map(Some).map_err(|what| BuildError::Description { path: path.clone(), what })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(BuildError::Io { path, source }),
    }
}

/// The part of a `Cargo.toml` that tells a policy.
#[derive(Deserialize)]
struct CargoToml {
    package: Option<Named>,
    lib: Option<CargoLib>,
    workspace: Option<toml::Table>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CargoLib {
    #[serde(default, alias = "crate_type")]
    crate_type: Vec<String>,
}

impl CargoToml {
    fn read(folder: &Path) -> Result<Option<Self>, BuildError> {
        read(folder, "Cargo.toml", |text| toml::from_str(text).map_err(|error| error.to_string()))
    }

    /// Whether it is a library that is linked as one module.
    fn is_policy(&self) -> bool {
        let lib = self.lib.as_ref();
        self.package.is_some() && lib.is_some_and(|lib| lib.crate_type.iter().any(|kind| kind == "cdylib"))
    }
}

/// The part of a `package.json` that tells a policy.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PackageJson {
    name: String,
    /// The file that exports `manifest` and `remediate`.
    pub(crate) main: Option<String>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    dependencies: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    dev_dependencies: serde_json::Map<String, serde_json::Value>,
}

impl PackageJson {
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, BuildError> {
        read(folder, "package.json", |text| serde_json::from_str(text).map_err(|error| error.to_string()))
    }

    /// Whether it says that it is one, or uses the SDK as a package.
    fn is_policy(&self) -> bool {
        let is_said = self.keywords.iter().any(|keyword| keyword == crate::SDK);
        is_said
            || self.dependencies.contains_key(crate::SDK)
            || self.dev_dependencies.contains_key(crate::SDK)
    }

    /// Its name without the scope: `repair` of `@ops/repair`.
    fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

/// The part of a `pyproject.toml` that tells a policy.
#[derive(Deserialize)]
pub(crate) struct PyProject {
    project: Option<Named>,
    tool: Option<Tools>,
}

#[derive(Deserialize)]
struct Tools {
    suture: Option<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    module: String,
}

impl PyProject {
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, BuildError> {
        read(folder, "pyproject.toml", |text| toml::from_str(text).map_err(|error| error.to_string()))
    }

    fn is_policy(&self) -> bool {
        self.module().is_some()
    }

    /// The module that makes the policy.
    pub(crate) fn module(&self) -> Option<&str> {
        Some(&self.tool.as_ref()?.suture.as_ref()?.module)
    }

    fn name(&self, folder: &Path) -> Result<&str, BuildError> {
        let named = self.project.as_ref().map(|project| project.name.as_str());
        named.ok_or_else(|| BuildError::Description {
            path: folder.join("pyproject.toml"),
            what: "it has no `[project]` with a `name`".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(file: &str, text: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(file), text).unwrap();
        fs::create_dir(dir.path().join("scenarios")).unwrap();
        dir
    }

    #[test]
    fn a_policy_is_known_by_the_file_that_describes_it() {
        let javascript = r#"{"name": "@ops/repair", "main": "policy.ts", "keywords": ["suture-policy"]}"#;
        let python = "[project]\nname = \"repair\"\n[tool.suture]\nmodule = \"policy\"\n";
        let rust = "[package]\nname = \"repair\"\n[lib]\ncrate-type = [\"cdylib\"]\n";
        for (file, text, language) in [
            ("package.json", javascript, Language::JavaScript),
            ("pyproject.toml", python, Language::Python),
            ("Cargo.toml", rust, Language::Rust),
        ] {
            let dir = folder(file, text);
            let found = Project::at(dir.path()).unwrap();
            assert_eq!((found.language, found.name.as_str()), (language, "repair"), "{file}");
            assert_eq!(found.sources(), [found.dir.join(file)]);
            let around = Project::around(&dir.path().canonicalize().unwrap().join("scenarios/a.yaml"));
            assert_eq!(around, Some(found), "{file}");
        }
    }

    #[test]
    fn what_is_no_policy_is_not_taken_for_one() {
        let other = folder("package.json", r#"{"name": "web", "dependencies": {"react": "19"}}"#);
        assert_eq!(Project::around(&other.path().join("scenarios/a.yaml")), None);
        let broken = folder("package.json", "{");
        let error = Project::at(broken.path()).unwrap_err().to_string();
        assert!(error.contains("package.json") && error.contains("line 1"), "{error}");
        let nothing = tempfile::tempdir().unwrap();
        let error = Project::at(nothing.path()).unwrap_err().to_string();
        assert!(error.contains("suture new"), "{error}");
    }

    #[test]
    fn a_single_files_component_stands_beside_it() {
        let dir = folder("repair.js", "");
        let found = Project::at(&dir.path().join("repair.js")).unwrap();
        assert_eq!(found.language, Language::JavaScript);
        assert_eq!(found.component(), found.dir.join("repair.wasm"));
        assert!(Project::at(&dir.path().join("scenarios")).is_err());
    }
}
