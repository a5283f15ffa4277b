//! Writes agectl's man pages and shell completions for packages: `make man`.
//!
//! An example, so that the binary does not carry the generator of man pages. Its only argument is the folder to write to.

use std::io;
use std::path::{Path, PathBuf};

use agectl::Cli;
use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

/// Writes `man1/agectl.1` and a page for each subcommand, and `completions/` with a file for each shell, in `folder`.
pub(crate) fn write_all(folder: &Path) -> io::Result<()> {
    let (pages, completions) = (folder.join("man1"), folder.join("completions"));
    std::fs::create_dir_all(&pages)?;
    std::fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(Cli::command(), &pages)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut Cli::command(), "agectl", &completions)?;
    }
    Ok(())
}

/// Writes to the folder that the only argument names.
fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    write_all(&folder.ok_or_else(|| io::Error::other("the folder to write to is missing"))?)
}
