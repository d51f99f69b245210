//! A person at a shell: the real program, a home of its own that is signed in, and the small server. Every file of tests adds what it alone needs. Never here:
//! rows, what a verb says.

#![allow(dead_code)] // each test file uses its part

use std::{
    io::Write as _,
    net::SocketAddr,
    path::Path,
    process::{Command, Output, Stdio},
};

use deadwax_client::profile::{Home, Profile};
use deadwax_proto::v1::{self, action::Action};
use sha2::{Digest as _, Sha256};

use crate::net_fake::Fake;

pub struct House {
    pub fake: Fake,
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
}

impl House {
    /// As Ana, who is "p1" in the rows.
    pub async fn open(rows: Vec<v1::Row>) -> House {
        House::of("p1", rows).await
    }

    pub async fn of(person_id: &str, rows: Vec<v1::Row>) -> House {
        let fake = Fake::default();
        fake.seen().rows = rows;
        let address = fake.serve(None).await;
        let folder = tempfile::tempdir().unwrap();
        sign_in(folder.path(), address, person_id);
        House { fake, address, folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        program(self.path(), args)
    }

    /// With nobody at the keyboard.
    pub async fn run(&self, args: &[&str]) -> Output {
        let mut command = self.command(args);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// With this on standard input.
    pub async fn piped(&self, args: &[&str], given: &str) -> Output {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let given = given.to_owned();
        let run = move || {
            let mut child = command.spawn().unwrap();
            // A verb that does not read may be gone already.
            drop(child.stdin.take().unwrap().write_all(given.as_bytes()));
            child.wait_with_output().unwrap()
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// Exit code, standard output, standard error.
    pub async fn told(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.run(args).await;
        (code(&output), out(&output), err(&output))
    }

    /// Runs a verb that must be fine, and answers the one action that reached the server.
    pub async fn sent(&self, args: &[&str]) -> Action {
        self.sent_given(args, "").await
    }

    /// The same with this on standard input.
    pub async fn sent_given(&self, args: &[&str], given: &str) -> Action {
        self.fake.seen().actions.clear();
        let output = self.piped(args, given).await;
        assert_eq!(code(&output), 0, "{args:?}: {}", err(&output));
        let actions = self.fake.seen().actions.clone();
        assert_eq!(actions.len(), 1, "{args:?}");
        actions.into_iter().next().unwrap()
    }

    pub fn last_action(&self) -> Option<Action> {
        self.fake.seen().actions.last().cloned()
    }
}

/// The home in this folder knows the studio there, and who one is.
pub fn sign_in(folder: &Path, address: SocketAddr, person_id: &str) {
    let profile = Profile {
        name: "ana".into(),
        url: format!("deadwax+http://{address}"),
        token: Some("tok-1".into()),
        person_id: person_id.into(),
        person: "Ana".into(),
        ..Profile::default()
    };
    Home::at(folder.join("home")).save(&profile).unwrap();
}

/// The program in this folder, with the home in it and nothing else of who runs the tests.
pub fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deadwax"));
    command
        .args(args)
        .current_dir(folder)
        .env("DEADWAX_HOME", folder.join("home"))
        .env("TZ", "UTC")
        .env_remove("DEADWAX_PROFILE")
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::null());
    command
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// A JSON object a line.
pub fn objects(output: &Output) -> Vec<serde_json::Value> {
    out(output).lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l:?}: {e}"))).collect()
}

pub fn sha(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes.as_ref()))
}
