//! `man`: the manual pages, made from the same table as the help. Never here: text about verbs.

use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use serde_json::json;

use super::{
    Context, VerbError,
    place::{failed, make_folder},
};
use crate::{cli, cli::Cli};

pub fn man(c: &Context, asked: &cli::Man) -> Result<(), VerbError> {
    match (&asked.folder, &asked.print) {
        (Some(folder), _) => write_all(c, folder),
        (None, verb) => print(c, verb.as_deref().unwrap_or_default()),
    }
}

fn write_all(c: &Context, folder: &Path) -> Result<(), VerbError> {
    make_folder(folder)?;
    let fault = failed(folder, "filled");
    let mut names = Vec::new();
    for command in with_all_below(built()) {
        let page = Man::new(command).source(source());
        let path = page.generate_to(folder).map_err(&fault)?;
        names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    let text = format!("{} pages in {}. Read one with `man -l FILE`.", names.len(), folder.display());
    c.out.both(&text, &json!({ "folder": folder.to_string_lossy(), "files": names }))
}

fn print(c: &Context, verb: &[String]) -> Result<(), VerbError> {
    let mut command = built();
    for word in verb {
        let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        let names = names.join(", ");
        let found = command.find_subcommand(word).cloned();
        command =
            found.ok_or_else(|| VerbError::Usage(format!("there is no verb {word:?}; there are {names}")))?;
    }
    let mut page = Vec::new();
    let name = command.get_display_name().unwrap_or("deadwax").to_owned();
    Man::new(command).source(source()).render(&mut page).map_err(VerbError::Out)?;
    let page = String::from_utf8_lossy(&page);
    c.out.both(page.trim_end(), &json!({ "page": format!("{name}.1"), "roff": page }))
}

fn source() -> String {
    format!("deadwax {}", env!("CARGO_PKG_VERSION"))
}

fn built() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

fn with_all_below(command: Command) -> Vec<Command> {
    let below = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    let mut all: Vec<Command> = below.flat_map(with_all_below).collect();
    all.push(command);
    all
}
