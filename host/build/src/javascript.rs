//! Policies in TypeScript and JavaScript: checked by `tsc` where there are types, bundled by esbuild, and
//! made a component with the QuickJS engine inside by `componentize-qjs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::assets::{self, Contract, TypeScriptSdk};
use crate::component::EXPORTS;
use crate::environment::{self, require, run};
use crate::error::BuildError;
use crate::process::command;
use crate::progress::Progress;
use crate::project::{PackageJson, Project};

const NODE: &str = "A policy in TypeScript or JavaScript is built with Node.js 18 or newer and npm; get them \
    from your system (on Debian: `apt-get install nodejs npm`), then build again.";
const PACKAGES: &str = "The build's own packages come from the npm registry, once: it has to be reached for \
    that (a proxy or a mirror is npm's to configure), and they stay in ~/.cache/suture after it.";
const TYPES: &str = "The types say what the contract takes; each file and line stands above.";
const BUNDLE: &str = "Only the policy's own files, `suture-policy`, and packages in its `node_modules` can be \
    imported; Node.js's own modules (fs, net, process, …) are not there in a policy.";
const COMPONENT: &str = "The file's top level is run once while it is built: it can't call the host there, nor \
    use await, a clock, or what only a browser or Node.js has.";

/// Build a policy; the component.
pub(crate) fn build(project: &Project, progress: &dyn Progress) -> Result<Vec<u8>, BuildError> {
    let entry = entry(project)?;
    require("node", (18, 0), NODE)?;
    let environment = environment::ready("javascript", |dir| {
        progress.step("fetching what TypeScript and JavaScript are built with (80 MB, once)");
        let mut npm = command("npm", dir);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        run(npm, "npm", PACKAGES, progress).map(drop)
    })?;
    let programs = environment.join("node_modules/.bin");
    let work = Workplace::new(project)?;
    check_types(project, &entry, &programs, &work, progress)?;
    progress.step(&format!("bundling {}", project.name));
    let bundle = bundle(project, &entry, &programs, &work, progress)?;
    progress.step("making a component of it");
    let component = work.path("policy.wasm");
    let mut componentize = command(programs.join("componentize-qjs"), work.dir.path());
    componentize
        .args(["--wit", "wit", "--world", "policy", "--sync", "--stub-wasi", "--js"])
        .arg(&bundle)
        .arg("--output")
        .arg(&component);
    run(componentize, "componentize-qjs", COMPONENT, progress).map_err(without_wrapping)?;
    fs::read(&component).map_err(|source| BuildError::Io { path: component, source })
}

/// An error of the policy's top level without what its tool puts around it.
fn without_wrapping(error: BuildError) -> BuildError {
    match error {
        BuildError::Program { program, output, help } => {
            let said = output.rsplit("Failed to finish JavaScript module evaluation: Error: ").next();
            BuildError::Program { program, output: said.unwrap_or_default().to_owned(), help }
        }
        other => other,
    }
}

/// The file that exports `manifest` and `remediate`.
fn entry(project: &Project) -> Result<PathBuf, BuildError> {
    if let Some(file) = &project.file {
        return Ok(file.clone());
    }
    let path = project.dir.join("package.json");
    let wrong = |what: String| BuildError::Description { path: path.clone(), what };
    let package = PackageJson::read(&project.dir)?.ok_or_else(|| wrong("it is gone".to_owned()))?;
    let main = package.main.ok_or_else(|| {
        wrong("it has no `main`: the file that exports `manifest` and `remediate`".to_owned())
    })?;
    let entry = project.dir.join(&main);
    if entry.is_file() {
        Ok(entry)
    } else {
        Err(wrong(format!("`main` is {main}, and there is no such file")))
    }
}

/// A folder for the time of a build: the contract, the SDK where the project has none of its own, and
/// what the steps hand on.
struct Workplace {
    dir: tempfile::TempDir,
    sdk: PathBuf,
}

impl Workplace {
    fn new(project: &Project) -> Result<Self, BuildError> {
        let dir =
            tempfile::tempdir().map_err(|source| BuildError::Io { path: std::env::temp_dir(), source })?;
        let io = |source| BuildError::Io { path: dir.path().to_owned(), source };
        assets::write(&assets::files::<Contract>(""), &dir.path().join("wit")).map_err(io)?;
        let own = project.dir.join("vendor").join(crate::SDK);
        let sdk = if own.is_dir() {
            own
        } else {
            let sdk = dir.path().join(crate::SDK);
            assets::write(&assets::files::<TypeScriptSdk>(""), &sdk).map_err(io)?;
            sdk
        };
        Ok(Self { dir, sdk })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// Check the types of a project that has a `tsconfig.json`, and of a single `.ts` file.
fn check_types(
    project: &Project,
    entry: &Path,
    programs: &Path,
    work: &Workplace,
    progress: &dyn Progress,
) -> Result<(), BuildError> {
    let own = project.dir.join("tsconfig.json");
    let config = if project.file.is_none() && own.is_file() {
        own
    } else if entry.extension().is_some_and(|extension| extension == "ts") {
        let config = work.path("tsconfig.json");
        let text = json!({
            "compilerOptions": {
                "target": "es2023", "module": "esnext", "moduleResolution": "bundler", "lib": ["es2023"],
                "types": [], "strict": true, "noEmit": true, "allowImportingTsExtensions": true,
                "paths": {"suture-policy": [work.sdk.join("src/index.ts")],
                    "suture-policy/*": [work.sdk.join("src/*.ts")]},
            },
            "files": [entry],
        });
        fs::write(&config, text.to_string())
            .map_err(|source| BuildError::Io { path: config.clone(), source })?;
        config
    } else {
        return Ok(());
    };
    progress.step(&format!("checking the types of {}", project.name));
    let mut tsc = command(programs.join("tsc"), &project.dir);
    tsc.args(["--noEmit", "--pretty", "false", "--project"]).arg(config);
    run(tsc, "tsc", TYPES, progress).map(drop)
}

/// Make one file of all that the policy imports.
fn bundle(
    project: &Project,
    entry: &Path,
    programs: &Path,
    work: &Workplace,
    progress: &dyn Progress,
) -> Result<PathBuf, BuildError> {
    let bundle = work.path("policy.js");
    let source = work.sdk.join("src");
    let mut esbuild = command(programs.join("esbuild"), &project.dir);
    esbuild
        .arg(entry)
        .args(["--bundle", "--format=esm", "--platform=neutral", "--main-fields=module,main"])
        .args(["--conditions=module,import", "--target=es2023", "--external:suture:*"])
        // A policy is blocking code, and nothing would ever settle a promise.
        .args(["--supported:async-await=false", "--supported:top-level-await=false"])
        .args(["--sourcemap=external", "--sources-content=false", "--log-level=warning", "--color=false"])
        .arg(format!("--banner:js={SOURCE_MAP_PLACE}"))
        .arg(format!("--alias:{}={}", crate::SDK, source.display()))
        .arg(format!("--inject:{}", source.join("component.ts").display()))
        .arg(format!("--metafile={}", work.path("bundle.json").display()))
        .arg(format!("--outfile={}", bundle.display()));
    run(esbuild, "esbuild", BUNDLE, progress)?;
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|source| BuildError::Io { path: path.to_owned(), source })
    };
    // `componentize-qjs` takes a bundle that lacks them, and the component then traps.
    let metafile: Metafile = serde_json::from_str(&read(&work.path("bundle.json"))?).map_err(|error| {
        BuildError::Description { path: work.path("bundle.json"), what: error.to_string() }
    })?;
    let exported =
        |name: &&str| metafile.outputs.values().any(|output| output.exports.iter().any(|it| it == name));
    let missing: Vec<_> = EXPORTS.into_iter().filter(|name| !exported(name)).map(str::to_owned).collect();
    if !missing.is_empty() {
        return Err(BuildError::NotAPolicy(missing));
    }
    let map: SourceMap = serde_json::from_str(&read(&bundle.with_extension("js.map"))?)
        .map_err(|error| BuildError::Description { path: bundle.clone(), what: error.to_string() })?;
    let text = with_source_map(&without_places(&read(&bundle)?), &map.named(work, &project.dir));
    fs::write(&bundle, text).map_err(|source| BuildError::Io { path: bundle.clone(), source })?;
    Ok(bundle)
}

/// What the first line of a bundle holds before its source map stands there. The SDK reads it while the
/// component is built, so that an error says its place in the policy's own files.
const SOURCE_MAP_PLACE: &str = "globalThis.__sutureSourceMap=0;";

/// What esbuild says of what it made.
#[derive(Deserialize)]
struct Metafile {
    outputs: BTreeMap<String, MadeFile>,
}

#[derive(Deserialize)]
struct MadeFile {
    #[serde(default)]
    exports: Vec<String>,
}

/// What of a source map is needed to find a place.
#[derive(Deserialize, Serialize)]
struct SourceMap {
    sources: Vec<String>,
    mappings: String,
}

impl SourceMap {
    /// With the sources' names as people know them: in the project, or in the SDK. The same wherever they
    /// stand.
    fn named(mut self, work: &Workplace, project: &Path) -> Self {
        for source in &mut self.sources {
            let path = lexically(&work.dir.path().join(&*source));
            let named = match path.strip_prefix(&work.sdk) {
                Ok(own) => Path::new(crate::SDK).join(own),
                Err(_) => path.strip_prefix(project).map_or(path.clone(), Path::to_owned),
            };
            *source = named.to_string_lossy().into_owned();
        }
        self
    }
}

/// A path without `.` and `..`.
fn lexically(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

fn with_source_map(bundle: &str, map: &SourceMap) -> String {
    let map = json!(map).to_string();
    bundle.replacen(SOURCE_MAP_PLACE, &format!("globalThis.__sutureSourceMap={map};"), 1)
}

/// Without esbuild's comments that say which file comes next: they name folders of this machine, and the
/// same sources must make the same component everywhere. The lines stay, so that the source map is right.
fn without_places(bundle: &str) -> String {
    let named = |line: &str| line.starts_with("// ") && line.contains('/');
    let lines = bundle.split('\n').map(|line| if named(line) { "//" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_names_no_folder_of_this_machine() {
        let bundle = "// ../../tmp/x/suture-policy/src/kube.ts\nvar a = 1;\n  // kept\n";
        assert_eq!(without_places(bundle), "//\nvar a = 1;\n  // kept\n");
    }

    #[test]
    fn the_sources_of_a_bundle_are_named_as_they_stand_in_the_project() {
        assert_eq!(
            lexically(Path::new("/tmp/x/../../home/me/src/./policy.ts")),
            Path::new("/home/me/src/policy.ts")
        );
        let map = SourceMap { sources: vec!["src/policy.ts".to_owned()], mappings: "AAAA".to_owned() };
        let text = with_source_map(&format!("{SOURCE_MAP_PLACE}\nvar a;\n"), &map);
        assert_eq!(
            text,
            "globalThis.__sutureSourceMap={\"mappings\":\"AAAA\",\"sources\":[\"src/policy.ts\"]};\nvar a;\n"
        );
    }
}
