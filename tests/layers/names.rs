//! Which names the files of a crate use, and in which of its files each of them is defined.
//!
//! The text is cut into tokens as the compiler cuts it (proc-macro2), so that nothing in a comment or a
//! string is taken for a name. A name counts however it is written: in a tree of imports, by way of
//! `super`, through a re-export, without an import, and in a macro. What passes through a module on its
//! way counts for the file where the way ends. Not seen is what has no path: methods and fields.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// The segments of a name.
type Name = Vec<String>;

/// What gives the text of a file; `None`: there is no such file.
type Source<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// A crate: its modules, the root first.
pub struct Crate {
    modules: Vec<Module>,
    // Macros that stand in the root wherever they are defined (`macro_export`), with the module that
    // defines each.
    macros: HashMap<String, usize>,
}

struct Module {
    file: PathBuf,
    parent: Option<usize>,
    children: HashMap<String, usize>,
    // What is imported, by the name that it has here.
    imports: HashMap<String, Name>,
    globs: Vec<Name>,
    // Every name of more than one segment, and every import.
    used: Vec<Name>,
}

/// What a name stands for.
#[derive(Clone, Copy)]
enum Meaning {
    Module(usize),
    /// Something that this module defines.
    Item(usize),
    /// Something of another crate.
    Foreign,
}

/// The files that a file names, each with one of the names.
pub type Uses = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

impl Crate {
    /// Reads the crate of this root.
    pub fn read(root: &Path, source: Source) -> Self {
        let mut read = Self { modules: Vec::new(), macros: HashMap::new() };
        let top = read.add(root.to_owned(), None);
        read.file(top, root.parent().unwrap_or(root), source);
        read
    }

    /// The files that each file of the crate names.
    pub fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for (at, module) in self.modules.iter().enumerate() {
            let used = uses.entry(module.file.clone()).or_default();
            for name in &module.used {
                if let Some(Meaning::Item(definer)) = self.meaning(at, name, DEEPEST)
                    && self.modules[definer].file != module.file
                {
                    used.entry(self.modules[definer].file.clone()).or_insert(name.join("::"));
                }
            }
        }
        uses
    }

    /// The modules that a file declares, in that order, each with its files.
    pub fn modules_in(&self, file: &Path) -> Vec<(String, BTreeSet<PathBuf>)> {
        let declaring = self.modules.iter().find(|module| module.file == file);
        let mut declared: Vec<_> = declaring.iter().flat_map(|module| &module.children).collect();
        declared.sort_by_key(|(_, index)| **index);
        declared.into_iter().map(|(name, index)| (name.clone(), self.files_of(*index))).collect()
    }

    /// The files in which a name begins with this word.
    pub fn files_that_name(&self, first: &str) -> BTreeSet<PathBuf> {
        let begins = |module: &&Module| module.used.iter().any(|name| name[0] == first);
        self.modules.iter().filter(begins).map(|module| module.file.clone()).collect()
    }

    fn files_of(&self, module: usize) -> BTreeSet<PathBuf> {
        let module = &self.modules[module];
        let below = module.children.values().flat_map(|child| self.files_of(*child));
        below.chain([module.file.clone()]).collect()
    }

    fn add(&mut self, file: PathBuf, parent: Option<usize>) -> usize {
        self.modules.push(Module {
            file,
            parent,
            children: HashMap::new(),
            imports: HashMap::new(),
            globs: Vec::new(),
            used: Vec::new(),
        });
        self.modules.len() - 1
    }

    /// Reads a module's file, whose children lie in `directory`.
    fn file(&mut self, at: usize, directory: &Path, source: Source) {
        let file = &self.modules[at].file;
        let text = source(file).unwrap_or_else(|| panic!("no {}", file.display()));
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| {
            panic!("{} cannot be cut into tokens: {error}", file.display());
        });
        self.tokens(tokens, at, directory, source);
    }

    fn tokens(&mut self, tokens: TokenStream, at: usize, directory: &Path, source: Source) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut next = 0;
        while next < tokens.len() {
            let rest = &tokens[next..];
            next += match word(rest, 0).as_deref() {
                Some("mod") if word(rest, 1).is_some() => self.child(rest, at, directory, source),
                Some("use") if !is(rest, 1, '<') => {
                    let end = (0..rest.len()).find(|index| is(rest, *index, ';'));
                    let end = end.unwrap_or(rest.len());
                    self.import(&rest[1..end], at, &[]);
                    end
                }
                Some("macro_rules") => {
                    if next > 0 && is_export(&tokens[next - 1]) {
                        self.macros.extend(word(rest, 2).map(|name| (name, at)));
                    }
                    // Modules and imports in it are those of whoever uses it.
                    let body = self.add(self.modules[at].file.clone(), Some(at));
                    self.modules[body].globs.push(vec!["super".to_owned()]);
                    let tokens = rest.iter().skip(3).take(1).cloned().collect();
                    self.tokens(tokens, body, directory, source);
                    4
                }
                Some(_) => {
                    let (name, len) = name(rest);
                    self.modules[at].used.extend((name.len() > 1).then_some(name));
                    len
                }
                // The rest of a name that begins with a type.
                None if is_colons(rest, 0) && word(rest, 2).is_some() => 2 + name(&rest[2..]).1,
                None => {
                    if let TokenTree::Group(group) = &rest[0] {
                        self.tokens(group.stream(), at, directory, source);
                    }
                    1
                }
            };
        }
    }

    /// Reads the declaration of a module; of how many tokens it is.
    fn child(&mut self, rest: &[TokenTree], at: usize, dir: &Path, source: Source) -> usize {
        let name = word(rest, 1).expect("a declaration has a name");
        let below = dir.join(&name);
        if let Some(TokenTree::Group(body)) = rest.get(2) {
            let child = self.add(self.modules[at].file.clone(), Some(at));
            self.modules[at].children.insert(name, child);
            self.tokens(body.stream(), child, &below, source);
        } else if is(rest, 2, ';') {
            let places = [below.join("mod.rs"), below.with_extension("rs")];
            let file = places.into_iter().find(|place| source(place).is_some());
            let child = self.add(file.unwrap_or_else(|| below.clone()), Some(at));
            self.modules[at].children.insert(name, child);
            self.file(child, &below, source);
        }
        3
    }

    /// Reads one tree of imports, behind a prefix.
    fn import(&mut self, tree: &[TokenTree], at: usize, prefix: &[String]) {
        let mut name = prefix.to_vec();
        let mut known_as = None;
        for (index, token) in tree.iter().enumerate() {
            match token {
                TokenTree::Ident(_) if word(tree, index).as_deref() == Some("as") => {
                    known_as = word(tree, index + 1);
                    break;
                }
                TokenTree::Ident(segment) => name.push(segment.to_string()),
                TokenTree::Group(trees) => {
                    let trees: Vec<_> = trees.stream().into_iter().collect();
                    let is_comma = |token: &TokenTree| is(std::slice::from_ref(token), 0, ',');
                    for tree in trees.split(is_comma).filter(|tree| !tree.is_empty()) {
                        self.import(tree, at, &name);
                    }
                    return;
                }
                TokenTree::Punct(all) if all.as_char() == '*' => {
                    self.modules[at].globs.push(name.clone());
                    name.push("*".to_owned());
                    self.modules[at].used.push(name);
                    return;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        if name.len() > 1 && name.last().is_some_and(|last| last == "self") {
            name.pop();
        }
        if let Some(known_as) = known_as.or_else(|| name.last().cloned()) {
            self.modules[at].imports.insert(known_as, name.clone());
            self.modules[at].used.push(name);
        }
    }

    /// What a name stands for in a module. `depth`: how many imports it may lead through.
    fn meaning(&self, at: usize, name: &[String], depth: usize) -> Option<Meaning> {
        let (first, rest) = name.split_first()?;
        let mut meaning = match first.as_str() {
            "crate" => Meaning::Module(0),
            "self" => Meaning::Module(at),
            "super" => Meaning::Module(self.modules[at].parent?),
            _ => self.meaning_in(at, first, rest.is_empty(), depth)?,
        };
        for (index, segment) in rest.iter().enumerate() {
            let Meaning::Module(module) = meaning else { break };
            let is_last = index + 1 == rest.len();
            meaning = match segment.as_str() {
                "super" => Meaning::Module(self.modules[module].parent?),
                _ => match self.meaning_in(module, segment, is_last, depth) {
                    None | Some(Meaning::Foreign) => Meaning::Item(module),
                    Some(known) => known,
                },
            };
        }
        Some(meaning)
    }

    /// What one word stands for in a module; `None`: it is the module's own, or unknown. A module and a
    /// function may share a word: more segments can follow only to the module.
    fn meaning_in(&self, at: usize, word: &str, is_last: bool, depth: usize) -> Option<Meaning> {
        let depth = depth.checked_sub(1)?;
        let module = &self.modules[at];
        let child = module.children.get(word).map(|child| Meaning::Module(*child));
        let imported = || {
            let name = module.imports.get(word)?;
            // An import of a macro of this file, or of another crate.
            let is_itself = name.len() == 1 && name[0] == word;
            let meaning = if is_itself { None } else { self.meaning(at, name, depth) };
            meaning.or(Some(if is_itself { Meaning::Item(at) } else { Meaning::Foreign }))
        };
        let from_globs = || {
            module.globs.iter().find_map(|glob| match self.meaning(at, glob, depth)? {
                Meaning::Module(other) => self.meaning_in(other, word, is_last, depth),
                Meaning::Item(_) | Meaning::Foreign => None,
            })
        };
        let named = if is_last { imported().or(child) } else { child.or_else(imported) };
        let exported = self.macros.get(word).filter(|_| at == 0).map(|at| Meaning::Item(*at));
        named.or(exported).or_else(from_globs)
    }
}

/// Imports of imports: more than anybody writes.
const DEEPEST: usize = 32;

fn word(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at)? {
        TokenTree::Ident(word) => Some(word.to_string()),
        _ => None,
    }
}

fn is(tokens: &[TokenTree], at: usize, sign: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Whether this is the attribute by which a macro stands in the root of its crate.
fn is_export(attribute: &TokenTree) -> bool {
    matches!(attribute, TokenTree::Group(group) if group.stream().to_string() == "macro_export")
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    is(tokens, at, ':') && is(tokens, at + 1, ':')
}

/// The name that these tokens begin with, and of how many it is.
fn name(tokens: &[TokenTree]) -> (Name, usize) {
    let mut name: Name = word(tokens, 0).into_iter().collect();
    let mut len = 1;
    while is_colons(tokens, len)
        && let Some(segment) = word(tokens, len + 2)
    {
        name.push(segment);
        len += 3;
    }
    (name, len)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files that `user.rs` names, in a crate of this and of files that define things.
    fn named_by(user: &str) -> Vec<String> {
        let files = [
            ("lib.rs", "mod high; mod low; mod user; pub use low::Kept;"),
            ("low/mod.rs", "mod inner; mod twice; pub use inner::Deep; pub use twice::twice;"),
            ("low/inner.rs", "pub struct Deep; pub struct Low; use super::super::high::high;"),
            ("low/twice.rs", "pub fn twice() {}"),
            ("high.rs", "pub fn high() {} #[macro_export] macro_rules! loud { () => {} }"),
            ("user.rs", user),
        ];
        let source = |path: &Path| {
            let known = files.iter().find(|(name, _)| Path::new(name) == path);
            known.map(|(_, text)| (*text).to_owned())
        };
        let uses = Crate::read(Path::new("lib.rs"), &source).uses();
        uses[Path::new("user.rs")].keys().map(|file| file.display().to_string()).collect()
    }

    #[test]
    fn a_name_counts_however_it_is_written() {
        for text in [
            "use crate::high::high;",
            "use crate::{high::{high}};",
            "use super::high::{self, high as other};",
            "fn f() { crate::high::high() }",
            "use crate::high; fn f() { high::high() }",
            "use crate::high as other; fn f() { vec![other::high()] }",
            "mod tests { fn f() { super::super::high::high() } }",
            "mod tests { use super::*; fn f() { high::high() } } use crate::high;",
            "macro_rules! m { () => { $crate::high::high() } }",
            "use crate::high::*;",
            "fn f() { crate::loud!() }",
        ] {
            assert_eq!(named_by(text), ["high.rs"], "{text}");
        }
    }

    #[test]
    fn a_re_export_leads_to_the_file_that_defines() {
        assert_eq!(named_by("use crate::low::Deep;"), ["low/inner.rs"]);
        assert_eq!(named_by("use crate::low; fn f(_: low::Deep) {}"), ["low/inner.rs"]);
        assert_eq!(named_by("fn f() { crate::low::twice() }"), ["low/twice.rs"]);
        assert_eq!(named_by("fn f() { crate::low::other() }"), ["low/mod.rs"]);
        assert_eq!(named_by("use crate::Kept;"), ["low/mod.rs"]);
    }

    #[test]
    fn what_is_no_name_of_the_crate_does_not_count() {
        for text in [
            "// crate::high::high",
            "/// [`crate::high::high`]\nfn f() { print(\"crate::high::high\") }",
            "use crate::high;",
            "use std::high::high; fn f() { high::other() }",
            "fn f() { ::high::high(); Self::high::high(); <f as crate>::high::high() }",
        ] {
            assert_eq!(named_by(text), [""; 0], "{text}");
        }
    }
}
