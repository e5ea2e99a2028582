//! Whether a command of a pipeline delivers: pushes an image, rolls out, publishes. A script, a
//! target of a Makefile or a script of a package.json that the repository has is read too; its
//! name alone proves nothing.

use word::{ALONE, ALWAYS, DELIVERS, IDLE, RUNNERS, TRIES_PLAYBOOKS};
pub use word::{is_named, is_word};

use crate::shell::{Said, commands, last};
use crate::tree::{TextFile, Tree, says_nothing};

mod word;

/// What a command is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It prints, sets something, or ends.
    Nothing,
    /// It does something.
    Works,
    /// It delivers.
    Delivers,
}

/// Scripts that call scripts are followed so far.
const DEPTH: u32 = 5;

/// Whether the repository has a folder, from whatever folder a step works in; what a step puts in
/// or fetches may be one.
#[must_use]
pub fn has_folder(tree: &Tree, path: &str) -> bool {
    let outside = |it: char| matches!(it, '$' | '{' | '~' | '<' | '`' | '*' | '%');
    if path.contains(outside) || path.contains("://") || path.starts_with(['/', '-']) {
        return true;
    }
    let parts = path.split('/').filter(|it| !matches!(*it, "" | "." | ".."));
    let folder = parts.collect::<Vec<_>>().join("/");
    folder.is_empty()
        || tree.paths.iter().any(|path| {
            path.match_indices(&folder).any(|(at, _)| {
                let before = at == 0 || path.as_bytes().get(at - 1) == Some(&b'/');
                before && path.as_bytes().get(at + folder.len()) == Some(&b'/')
            })
        })
}

/// Whether a command builds an image of a folder that is none.
fn builds_nothing(tree: &Tree, said: &Said) -> bool {
    let Some((program, words)) = said.words.split_first() else {
        return false;
    };
    if !["docker", "podman", "nerdctl", "buildah"].contains(&last(program)) {
        return false;
    }
    let Some(at) = words
        .iter()
        .position(|word| matches!(word.as_str(), "build" | "bud"))
    else {
        return false;
    };
    let (mut words, mut folder) = (words.iter().skip(at + 1), None);
    while let Some(word) = words.next() {
        if word.starts_with('-') && word.len() > 1 {
            if !word.contains('=') && !ALONE.contains(&word.as_str()) {
                words.next();
            }
        } else {
            folder = Some(word);
        }
    }
    folder.is_some_and(|folder| !has_folder(tree, folder))
}

/// What the commands of a script are good for, with the line, from 0, of the first that is so much.
#[must_use]
pub fn deed(tree: &Tree, script: &str) -> (Deed, u32) {
    of_script(tree, script, DEPTH)
}

fn of_script(tree: &Tree, script: &str, depth: u32) -> (Deed, u32) {
    let mut best = (Deed::Nothing, 0);
    for said in commands(script) {
        // A shell that CI starts ends where a build has nothing to build.
        if builds_nothing(tree, &said) {
            return best.max((Deed::Works, said.line));
        }
        let deed = of_command(tree, &said, depth);
        if deed > best.0 {
            best = (deed, said.line);
        }
    }
    best
}

fn of_command(tree: &Tree, said: &Said, depth: u32) -> Deed {
    let mut words = said.words.iter().map(String::as_str);
    let Some(program) = words.next() else {
        return Deed::Nothing;
    };
    let name = last(program);
    let mut words: Vec<&str> = words.collect();
    // One program in front of another.
    if matches!(
        name,
        "npx" | "bunx" | "timeout" | "retry" | "uvx" | "xvfb-run"
    ) {
        let inner = words.iter().position(|word| {
            !word.starts_with('-') && !word.starts_with(|c: char| c.is_ascii_digit())
        });
        if let Some(at) = inner {
            let inner = Said {
                words: words.drain(at..).map(str::to_owned).collect(),
                line: said.line,
            };
            return of_command(tree, &inner, depth);
        }
    }
    if IDLE.contains(&name) {
        return Deed::Nothing;
    }
    if only_tries(name, &words) {
        return Deed::Works;
    }
    let delivers = |(it, deeds): &(&str, &[&str])| {
        *it == name && words.iter().any(|word| deeds.contains(word))
    };
    if ALWAYS.contains(&name) || DELIVERS.iter().any(delivers) {
        return Deed::Delivers;
    }
    if RUNNERS.contains(&name) && words.iter().any(|word| is_named(word)) {
        return Deed::Delivers;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return Deed::Works;
    };
    let inner = match name {
        "make" | "gmake" => of_targets(
            tree,
            &words,
            &["Makefile", "makefile", "GNUmakefile"],
            depth,
        ),
        "just" => of_targets(tree, &words, &["justfile", "Justfile", ".justfile"], depth),
        "npm" | "pnpm" | "yarn" | "bun" => of_package(tree, &words, depth),
        "sh" | "bash" | "dash" | "zsh" | "source" | "." | "python" | "python3" | "node"
        | "ruby" => {
            let script = words.iter().find(|word| !word.starts_with('-'));
            script.map_or(Deed::Works, |script| of_file(tree, script, depth))
        }
        _ if program.contains('/') => of_file(tree, program, depth),
        _ => Deed::Works,
    };
    inner.max(Deed::Works)
}

/// Whether a program's words have it look only, or say what it would do.
fn only_tries(name: &str, words: &[&str]) -> bool {
    let looks = ["--help", "--dry-run", "--version"];
    words.iter().any(|word| {
        looks.iter().any(|it| word.starts_with(it))
            || (name == "ansible-playbook" && TRIES_PLAYBOOKS.contains(word))
    })
}

/// The tracked files that a path may mean, whatever folder a step works in.
fn files<'a>(tree: &'a Tree, path: &'a str) -> impl Iterator<Item = &'a TextFile> {
    let path = path.trim_start_matches("./").trim_start_matches("../");
    tree.texts.iter().filter(move |file| {
        let before = file.path.strip_suffix(path);
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    })
}

fn of_file(tree: &Tree, path: &str, depth: u32) -> Deed {
    let deeds = files(tree, path).map(|file| {
        let first = file.text.lines().next().unwrap_or_default();
        let of_shell = ["sh", "bash", "dash", "zsh"]
            .iter()
            .any(|shell| first.starts_with("#!") && first.ends_with(shell));
        if of_shell || file.path.ends_with(".sh") || file.path.ends_with(".bash") {
            of_script(tree, &file.text, depth).0
        } else if is_named(last(path)) && !says_nothing(&file.text) {
            // Another language: that it is there and says something is all that can be told.
            Deed::Delivers
        } else {
            Deed::Works
        }
    });
    deeds.max().unwrap_or(Deed::Nothing)
}

/// What the rules of a Makefile, or of a file of its like, do for these targets.
fn of_targets(tree: &Tree, words: &[&str], names: &[&str], depth: u32) -> Deed {
    let targets: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !word.starts_with('-') && !word.contains('='))
        .collect();
    let makefiles = names.iter().flat_map(|name| files(tree, name));
    let deeds = makefiles.flat_map(|file| {
        targets
            .iter()
            .map(|target| of_rule(tree, &file.text, target, depth))
    });
    deeds.max().unwrap_or(Deed::Nothing)
}

fn of_rule(tree: &Tree, makefile: &str, target: &str, depth: u32) -> Deed {
    let mut lines = makefile.lines();
    let Some(needs) = lines.by_ref().find_map(|line| {
        let (heads, needs) = line.split_once(':')?;
        let is_it = heads.split_whitespace().any(|head| meets(head, target));
        (is_it && !line.starts_with([' ', '\t', '#']) && !needs.starts_with('=')).then_some(needs)
    }) else {
        return Deed::Nothing;
    };
    let recipe: Vec<&str> = lines
        .take_while(|line| line.starts_with([' ', '\t']))
        .map(|line| line.trim_start().trim_start_matches(['@', '-', '+']))
        .collect();
    let own = of_script(tree, &recipe.join("\n"), depth).0;
    let Some(depth) = depth.checked_sub(1) else {
        return own;
    };
    let needed = needs
        .split_whitespace()
        .map(|need| of_rule(tree, makefile, need, depth));
    needed.max().unwrap_or(Deed::Nothing).max(own)
}

/// Whether a rule's head is a target, or a pattern that it fits: `deploy-%`.
fn meets(head: &str, target: &str) -> bool {
    head == target
        || head.split_once('%').is_some_and(|(before, after)| {
            let rest = target.strip_prefix(before);
            rest.is_some_and(|rest| rest.len() > after.len() && rest.ends_with(after))
        })
}

/// What `run NAME`, or `NAME` alone, does by the scripts of the repository's packages.
fn of_package(tree: &Tree, words: &[&str], depth: u32) -> Deed {
    let name = words
        .iter()
        .find(|word| !word.starts_with('-') && !matches!(**word, "run" | "run-script"));
    let Some(name) = name else {
        return Deed::Works;
    };
    let scripts = files(tree, "package.json").filter_map(|file| {
        let package: serde_json::Value = serde_json::from_str(&file.text).ok()?;
        package
            .get("scripts")?
            .get(name)?
            .as_str()
            .map(str::to_owned)
    });
    let deeds = scripts.map(|script| of_script(tree, &script, depth).0);
    deeds.max().unwrap_or(Deed::Works)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut texts: Vec<_> = files
            .iter()
            .map(|(path, text)| TextFile {
                path: (*path).to_owned(),
                text: (*text).to_owned(),
            })
            .collect();
        texts.sort_by(|a, b| a.path.cmp(&b.path));
        Tree {
            texts,
            ..Tree::default()
        }
    }

    #[test]
    fn what_a_script_delivers_is_told_from_what_it_only_says() {
        let tree = tree(&[
            (
                "Makefile",
                "all: test\n\tcargo build\ndeploy: image\n\t@kubectl apply -f k8s\nrelease:\n\techo later\nship: deploy\nloop: loop\n",
            ),
            ("a/deploy.sh", "#!/bin/sh\nset -e\ndocker push x\n"),
            (
                "b/release.sh",
                "#!/bin/bash\n# docker push x\necho docker push x\n",
            ),
            ("b/again.sh", "./again.sh\n"),
            ("c/publish.py", "import boto3\n"),
            (
                "web/package.json",
                r#"{"scripts": {"deploy": "netlify deploy", "build": "vite"}}"#,
            ),
        ]);
        for (script, wanted) in [
            ("docker push reg/x", Deed::Delivers),
            ("sudo docker buildx build --push .", Deed::Delivers),
            ("docker build -t push-it .", Deed::Works),
            ("echo docker push", Deed::Nothing),
            ("# docker push reg/x", Deed::Nothing),
            ("true || kubectl apply -f x", Deed::Nothing),
            ("kubectl apply -f x --dry-run", Deed::Works),
            ("kubectl get pods", Deed::Works),
            ("helm upgrade --install x ./x", Deed::Delivers),
            ("cargo test", Deed::Works),
            ("npx semantic-release", Deed::Delivers),
            ("make all", Deed::Works),
            ("make deploy", Deed::Delivers),
            ("make -C . ship", Deed::Delivers),
            ("make release", Deed::Works),
            ("make loop", Deed::Works),
            ("make push", Deed::Works),
            ("./deploy.sh prod", Deed::Delivers),
            ("bash a/deploy.sh", Deed::Delivers),
            ("./release.sh", Deed::Works),
            ("b/again.sh", Deed::Works),
            ("./not-there/deploy.sh", Deed::Works),
            ("python c/publish.py", Deed::Delivers),
            ("npm run deploy", Deed::Delivers),
            ("npm run build", Deed::Works),
            ("./gradlew publishImage", Deed::Delivers),
            ("mvn test", Deed::Works),
            ("", Deed::Nothing),
        ] {
            assert_eq!(deed(&tree, script).0, wanted, "{script}");
        }
        assert_eq!(
            deed(&tree, "cargo build\n\ncargo publish"),
            (Deed::Delivers, 2)
        );
    }
}
