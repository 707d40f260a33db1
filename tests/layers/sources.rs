//! The sources as syntax: which modules there are, and what each file names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, UseTree};

/// A path of names, as `crate::app::Io` without the `crate`.
pub(crate) type Names = Vec<String>;

/// A file of the crate.
#[derive(Default)]
pub(crate) struct Source {
    /// The name below `src`.
    pub(crate) file: String,
    /// The module that it is, from the crate's root.
    module: Names,
    /// Each path in the code that ships, as it is written, but for those in [`Self::passed_on`].
    pub(crate) paths: BTreeSet<Names>,
    /// What others may have from here, by `pub use`.
    pub(crate) passed_on: BTreeSet<Names>,
    /// What `use` brings in, by its name here.
    imports: BTreeMap<String, Names>,
    /// The modules in files of their own that only tests have.
    test_modules: BTreeSet<String>,
    /// Calls of `unwrap` and `expect`.
    pub(crate) may_panic: BTreeSet<String>,
}

impl Source {
    /// The part of the crate that the file belongs to; empty for the root.
    pub(crate) fn top(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }
}

/// All files.
pub(crate) struct Sources {
    pub(crate) files: Vec<Source>,
}

impl Sources {
    /// Reads the crate's own sources.
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut texts = Vec::new();
        collect(&root, "", &mut texts);
        Self::parse(texts)
    }

    /// Takes files by their names below `src`.
    pub(crate) fn parse(texts: Vec<(String, String)>) -> Self {
        let parse = |(file, text): (String, String)| {
            let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            let stem = file.trim_end_matches(".rs");
            let stem = stem.strip_suffix("/mod").unwrap_or(stem);
            let module = if stem == "lib" { Vec::new() } else { stem.split('/').map(str::to_owned).collect() };
            let mut source = Source { file, module, ..Source::default() };
            source.visit_file(&syntax);
            source
        };
        let mut files: Vec<_> = texts.into_iter().map(parse).collect();
        let for_tests: BTreeSet<Names> = files
            .iter()
            .flat_map(|source| {
                source.test_modules.iter().map(|name| [&source.module[..], std::slice::from_ref(name)].concat())
            })
            .collect();
        files.retain(|source| !for_tests.contains(&source.module));
        Self { files }
    }

    /// The file that a path leads to from `source`, if it is one of the crate's: that of the innermost module which is named.
    pub(crate) fn named(&self, source: &Source, path: &[String]) -> Option<&Source> {
        self.module_of(&self.absolute(source, path)?)
    }

    /// The same, but where that module only passes a name on, the file that it has it from.
    pub(crate) fn defining(&self, source: &Source, path: &[String]) -> Option<&Source> {
        let (first, rest) = path.split_first()?;
        let imported = source.imports.get(first).map(|import| [import, rest].concat());
        let mut path = self.absolute(source, imported.as_deref().unwrap_or(path))?;
        let mut found = self.module_of(&path)?;
        // A name that is passed on in a circle is none; but what is read here compiles.
        for _ in 0..self.files.len() {
            let Some(name) = path.get(found.module.len()) else { break };
            let Some(passed_on) = found.imports.get(name) else { break };
            let Some(mut origin) = self.absolute(found, passed_on) else { break };
            origin.extend_from_slice(&path[found.module.len() + 1..]);
            let Some(next) = self.module_of(&origin) else { break };
            (path, found) = (origin, next);
        }
        Some(found)
    }

    /// The path from the crate's root; `None` for one that leads out of the crate, or to a name that is known by an import.
    fn absolute(&self, source: &Source, path: &[String]) -> Option<Names> {
        let up = path.iter().take_while(|name| *name == "super").count();
        let (first, rest) = (path.first()?, &path[1..]);
        match first.as_str() {
            "crate" | "roomcast" => Some(rest.to_vec()),
            "self" => Some([&source.module[..], rest].concat()),
            "super" => {
                let outer = source.module.len().checked_sub(up)?;
                Some([&source.module[..outer], &path[up..]].concat())
            }
            _ => {
                let inner = [&source.module[..], path].concat();
                (self.module_of(&inner)?.module.len() > source.module.len()).then_some(inner)
            }
        }
    }

    fn module_of(&self, path: &[String]) -> Option<&Source> {
        let inside = self.files.iter().filter(|source| path.starts_with(&source.module));
        inside.max_by_key(|source| source.module.len())
    }
}

fn collect(folder: &Path, prefix: &str, texts: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().collect();
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), texts);
        } else if name.ends_with(".rs") {
            texts.push((name, fs::read_to_string(entry.path()).expect("a source")));
        }
    }
}

/// Whether something is there for tests alone.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_test = |list: &syn::MetaList| list.path.is_ident("cfg") && list.tokens.to_string() == "test";
        attribute.meta.require_list().is_ok_and(is_test)
    })
}

/// Visits what has attributes, unless it is for tests alone.
macro_rules! visit_what_ships {
    ($($visit:ident: $node:ident),+ $(,)?) => {
        $(fn $visit(&mut self, node: &'ast syn::$node) {
            if !is_for_tests(&node.attrs) {
                visit::$visit(self, node);
            }
        })+
    };
}

impl<'ast> Visit<'ast> for Source {
    visit_what_ships! {
        visit_item_const: ItemConst, visit_item_enum: ItemEnum, visit_item_fn: ItemFn, visit_item_impl: ItemImpl,
        visit_item_macro: ItemMacro, visit_item_static: ItemStatic, visit_item_struct: ItemStruct,
        visit_item_trait: ItemTrait, visit_item_type: ItemType, visit_impl_item_const: ImplItemConst,
        visit_impl_item_fn: ImplItemFn, visit_field: Field, visit_variant: Variant, visit_arm: Arm, visit_local: Local,
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        match (is_for_tests(&module.attrs), &module.content) {
            (true, None) => _ = self.test_modules.insert(module.ident.to_string()),
            (true, Some(_)) => {}
            (false, None) => visit::visit_item_mod(self, module),
            (false, Some(_)) => panic!("{}: a module in a file of another isn't read here", self.file),
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.paths.insert(vec![item.ident.to_string()]);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            let mut found = Vec::new();
            imported(&item.tree, &mut Names::new(), &mut found);
            let passes_on = !matches!(item.vis, syn::Visibility::Inherited);
            let paths = if passes_on { &mut self.passed_on } else { &mut self.paths };
            paths.extend(found.iter().map(|(path, _)| path.clone()));
            self.imports.extend(found.into_iter().filter_map(|(path, known_as)| Some((known_as?, path))));
        }
    }

    /// `pub(super)` says who may use something, and uses nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if may_panic(&call.method.to_string()) {
            self.may_panic.insert(format!(".{}()", call.method));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.tokens(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }
}

/// Finds each path of an import, with the name that it is known by from then on; a glob has none.
fn imported(tree: &UseTree, before: &mut Names, found: &mut Vec<(Names, Option<String>)>) {
    let mut bring_in = |name: String, rename: Option<String>| {
        let mut path = before.clone();
        if name != "self" || path.is_empty() {
            path.push(name);
        }
        let known_as = rename.or_else(|| path.last().cloned());
        found.push((path, known_as));
    };
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            imported(&path.tree, before, found);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| imported(tree, before, found)),
        UseTree::Glob(_) => found.push((before.clone(), None)),
        UseTree::Name(name) => bring_in(name.ident.to_string(), None),
        UseTree::Rename(rename) => bring_in(rename.ident.to_string(), Some(rename.rename.to_string())),
    }
}

impl Source {
    /// What a macro is given, or made of: paths can't be told from all else there, but names before and behind `::` can.
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons, mut after_dot) = (Names::new(), 0, false);
        for token in tokens {
            let (before, of_method) = (std::mem::take(&mut colons), std::mem::take(&mut after_dot));
            let joined = before == 2;
            match token {
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    if of_method && may_panic(&name) {
                        self.may_panic.insert(format!(".{name}()"));
                    }
                    if !joined {
                        self.end(&mut path);
                    }
                    path.push(name);
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons = before + 1,
                TokenTree::Punct(punct) => {
                    after_dot = punct.as_char() == '.';
                    self.end(&mut path);
                }
                TokenTree::Group(group) => {
                    let is_list = joined && group.delimiter() == Delimiter::Brace;
                    assert!(!is_list, "{}: a list of imports in a macro isn't read here", self.file);
                    self.end(&mut path);
                    self.tokens(group.stream());
                }
                TokenTree::Literal(_) => self.end(&mut path),
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Names) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.path(path);
        }
    }

    fn path(&mut self, path: Names) {
        if path.len() > 1 && path.last().is_some_and(|name| may_panic(name)) {
            self.may_panic.insert(path.join("::"));
        }
        self.paths.insert(path);
    }
}

fn may_panic(method: &str) -> bool {
    matches!(method, "unwrap" | "expect")
}
