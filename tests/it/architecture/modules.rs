//! Cycles of modules. A module depends on the modules whose items its source names by `crate::`, `self::` or `super::`, or by the
//! name of a module that it declares. Macros' `$crate::` paths do not count: they are expanded elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{files, root, without_tests};

/// The path of a module in its crate; empty for the root.
type Module = Vec<String>;

/// The modules of a crate, each with those that it depends on.
struct Modules(BTreeMap<Module, BTreeSet<Module>>);

impl Modules {
    /// Reads the library whose sources are in `folder`.
    fn of_folder(folder: &Path) -> Self {
        let is_of_library = |file: &PathBuf| {
            let is_binary = file.ends_with("main.rs") || file.components().any(|part| part.as_os_str() == "bin");
            file.extension().is_some_and(|extension| extension == "rs") && !is_binary
        };
        let sources = files(folder).into_iter().filter(is_of_library).map(|file| {
            let path = file.strip_prefix(folder).unwrap().with_extension("");
            let module: Module = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            let module = if module == ["lib"] { Module::new() } else { module };
            (module, std::fs::read_to_string(&file).unwrap())
        });
        Self::of_sources(&sources.collect())
    }

    fn of_sources(sources: &BTreeMap<Module, String>) -> Self {
        let known: BTreeSet<Module> = sources.keys().cloned().collect();
        let dependencies = |(module, text): (&Module, &String)| {
            let paths = paths(module, &code(text));
            let owners = paths.into_iter().map(|path| owner(&known, path)).filter(|owner| owner != module);
            (module.clone(), owners.collect())
        };
        Self(sources.iter().map(dependencies).collect())
    }

    /// Returns a cycle, if there is one.
    fn cycle(&self) -> Option<String> {
        let mut done = BTreeSet::new();
        self.0.keys().find_map(|module| self.cycle_from(module, &mut Vec::new(), &mut done))
    }

    fn cycle_from(&self, module: &Module, path: &mut Vec<Module>, done: &mut BTreeSet<Module>) -> Option<String> {
        if let Some(begin) = path.iter().position(|earlier| earlier == module) {
            let names: Vec<String> = path[begin..].iter().chain([module]).map(name).collect();
            return Some(names.join(" -> "));
        }
        if !done.contains(module) {
            path.push(module.clone());
            let cycle = self.0[module].iter().find_map(|next| self.cycle_from(next, path, done));
            if cycle.is_some() {
                return cycle;
            }
            path.pop();
            done.insert(module.clone());
        }
        None
    }
}

fn name(module: &Module) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

/// The innermost module that has the item at `path`.
fn owner(known: &BTreeSet<Module>, mut path: Module) -> Module {
    while !known.contains(&path) {
        path.pop();
    }
    path
}

/// The code of a source file without comments, texts and unit tests.
fn code(text: &str) -> String {
    let lines = without_tests(text).lines().map(|line| line.split("//").next().unwrap_or_default());
    let lines: Vec<&str> = lines.collect();
    let text = lines.join("\n");
    // Every other piece between quotes is a text; a quoted quote in one is none.
    text.replace("\\\"", "").split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// The paths that the code of `module` names, from the root of its crate.
fn paths(module: &Module, code: &str) -> Vec<Module> {
    let declared: BTreeSet<&str> = code
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';'))
        .filter_map(|line| line.rsplit_once("mod ").map(|(_, name)| name))
        .collect();
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("::") {
        let head = &code[..at];
        let first = head.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
        let before = head[..head.len() - first.len()].chars().next_back();
        // Only the first part of a path tells where it begins; `$crate` is for the users of a macro.
        if before == Some(':') || before == Some('$') {
            continue;
        }
        let base = match first {
            "crate" => Module::new(),
            "self" => module.clone(),
            "super" => module[..module.len().saturating_sub(1)].to_vec(),
            name if declared.contains(name) => [module.as_slice(), &[name.to_owned()]].concat(),
            _ => continue,
        };
        expand(&base, &code[at + 2..], &mut paths);
    }
    paths
}

/// Adds to `paths` what `rest` of a path names below `base`: one item, or each of those in braces.
fn expand(base: &Module, rest: &str, paths: &mut Vec<Module>) {
    let rest = rest.trim_start();
    if let Some(list) = rest.strip_prefix('{') {
        let (mut depth, mut begin) = (0, 0);
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    expand(base, &list[begin..at], paths);
                    begin = at + 1;
                    if letter == '}' {
                        return;
                    }
                }
                _ => {}
            }
        }
        return;
    }
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    let (part, rest) = rest.split_at(end);
    let path = match part {
        "" => return,
        "super" => base[..base.len().saturating_sub(1)].to_vec(),
        "self" => base.clone(),
        part => [base.as_slice(), &[part.to_owned()]].concat(),
    };
    match rest.strip_prefix("::") {
        Some(rest) => expand(&path, rest, paths),
        None => paths.push(path),
    }
}

#[test]
fn modules_have_no_cycles() {
    let mut folders = vec![root().join("cli/src")];
    for parent in ["shared", "functions"] {
        let packages = std::fs::read_dir(root().join(parent)).unwrap().map(|entry| entry.unwrap().path().join("src"));
        folders.extend(packages);
    }
    assert!(folders.len() >= 18, "{folders:?}");
    for folder in folders {
        let cycle = Modules::of_folder(&folder).cycle();
        assert!(cycle.is_none(), "{}: {}", folder.display(), cycle.unwrap_or_default());
    }
}

#[test]
fn cycle_of_modules_is_reported() {
    let of = |sources: &[(&str, &str)]| {
        let module = |path: &str| path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let sources = sources.iter().map(|(path, text)| (module(path), (*text).to_owned()));
        Modules::of_sources(&sources.collect()).cycle()
    };
    let cycle =
        of(&[("a", "use crate::b::B;"), ("b", "use crate::{c::C, d::{D, E}};"), ("c", ""), ("d", "crate::a::f()")]);
    assert_eq!(cycle.as_deref(), Some("a -> b -> d -> a"));
    assert_eq!(
        of(&[("", "mod a;\npub use a::A;"), ("a", "use crate::A;")]).as_deref(),
        Some("the root -> a -> the root")
    );
    assert_eq!(of(&[("a", "mod b;\nfn f() { b::g() }"), ("a::b", "use super::f;")]).as_deref(), Some("a -> a::b -> a"));
    let without = [
        ("", "mod a;\nmod b;\npub use a::A;"),
        ("a", "//! As crate::b.\nuse crate::b::B; // crate::a\nconst T: &str = \"crate::c\";"),
        ("b", "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}"),
    ];
    assert_eq!(of(&without), None);
}
