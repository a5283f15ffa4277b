//! The man pages and completions that `make man` writes for packages.

#[path = "../../examples/packaging.rs"]
#[expect(dead_code, reason = "`main` of the example")]
mod example;

use std::collections::BTreeSet;

use agectl::Cli;
use clap::CommandFactory;

/// The names of all commands, such as `agectl-incident-list`.
fn command_names(command: &clap::Command, name: &str) -> BTreeSet<String> {
    let subcommands = command.get_subcommands().filter(|it| it.get_name() != "help");
    let names = subcommands.flat_map(|it| command_names(it, &format!("{name}-{}", it.get_name())));
    names.chain([name.to_owned()]).collect()
}

#[test]
fn each_command_has_a_man_page_and_completions() {
    let folder = std::env::temp_dir().join(format!("agectl-packaging-{}", std::process::id()));
    example::write_all(&folder).unwrap();
    let read =
        |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let names = command_names(&Cli::command(), "agectl");
    assert!(names.contains("agectl-incident-show") && names.contains("agectl-doctor"), "{names:?}");
    for name in &names {
        assert!(read(&format!("man1/{name}.1")).contains(".SH NAME"), "{name}");
    }
    assert!(read("man1/agectl.1").contains("nothing found"), "the exit codes");
    assert!(read("man1/agectl-event-list.1").contains("\\-\\-watch"), "the options");
    for (file, text) in [("agectl.bash", "event__subcmd__list"), ("_agectl", "doctor"), ("agectl.fish", "whoami")] {
        assert!(read(&format!("completions/{file}")).contains(text), "{file}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
