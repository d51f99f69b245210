//! Keys and signatures beside OpenSSH's own tools, in both directions.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use deadwax_client::{
    profile::{Home, Profile},
    receipt::{
        STATEMENT,
        agent::Agent,
        keys::{self, Found, Setup, Signer},
        secret::Secret,
        sign,
    },
};

const TEXT: &str = "deadwax-statement/1\nproject: x\n";

fn has(tool: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|it| it.join(tool).is_file()));
    if !found {
        eprintln!("SKIPPED: there is no {tool} on this machine");
    }
    found
}

fn ran(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn ready(found: Found) -> Signer {
    match found {
        Found::Ready(signer) => *signer,
        Found::Locked(_) => panic!("it is locked"),
    }
}

fn reason(outcome: Result<Found, deadwax_client::receipt::Trouble>) -> String {
    outcome.unwrap_err().reason().to_owned()
}

/// Would a third person's tool take it?
fn openssh_takes(dir: &Path, public: &str, namespace: &str, text: &str, signature: &str) -> bool {
    fs::write(dir.join("allowed"), format!("ana {public}\n")).unwrap();
    fs::write(dir.join("s.sig"), signature).unwrap();
    let mut verify = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "allowed", "-I", "ana", "-n", namespace, "-s", "s.sig"])
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    verify.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    verify.wait().unwrap().success()
}

#[test]
fn a_key_that_is_made_here_is_one_of_openssh() {
    if !has("ssh-keygen") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(dir.path());
    let made = keys::make(&home, "ana", None, false).unwrap();
    let path = dir.path().join("keys/ana");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&dir.path().join("keys"))), (0o600, 0o700));
    let shown = ran(Command::new("ssh-keygen").arg("-y").arg("-f").arg(&path));
    assert!(shown.starts_with(&made.line), "{shown}");
    let signer = ready(keys::read(&path, "made here").unwrap());
    assert_eq!(signer.fingerprint(), made.fingerprint);
    let signature = sign::sign(&signer, STATEMENT, TEXT).unwrap();
    assert!(openssh_takes(dir.path(), &made.line, STATEMENT, TEXT, &signature));
    assert!(!openssh_takes(dir.path(), &made.line, STATEMENT, &TEXT.replace('x', "y"), &signature));
    assert!(!openssh_takes(dir.path(), &made.line, "file", TEXT, &signature));
    // Never over one that is there; and one that is set aside is still a key.
    assert_eq!(keys::make(&home, "ana", None, false).unwrap_err().reason(), "KEY_EXISTS");
    let second = keys::make(&home, "ana", None, true).unwrap();
    assert_ne!(second, made);
    let old = ready(keys::voucher(&home, "ana", None, &[&made.fingerprint]).unwrap().unwrap());
    assert_eq!(old.fingerprint(), made.fingerprint);
    assert!(keys::make(&home, "../ana", None, false).is_err());
}

#[test]
fn a_key_and_a_signature_of_openssh_are_taken_here() {
    if !has("ssh-keygen") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, kind: &str, passphrase: &str| {
        let path = dir.path().join(name);
        ran(Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-N", passphrase, "-C", "ana", "-f"])
            .arg(&path));
        path
    };
    let path = make("plain", "ed25519", "");
    let signer = ready(keys::read(&path, "file").unwrap());
    assert!(fs::read_to_string(dir.path().join("plain.pub")).unwrap().starts_with(signer.line()));
    fs::write(dir.path().join("text"), TEXT).unwrap();
    ran(Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", STATEMENT, "-f"])
        .arg(&path)
        .arg(dir.path().join("text")));
    let signature = fs::read_to_string(dir.path().join("text.sig")).unwrap();
    assert_eq!(sign::verify(STATEMENT, TEXT, &signature).unwrap().fingerprint, signer.fingerprint());
    assert!(sign::verify(STATEMENT, "another\n", &signature).is_err());
    assert!(sign::verify("key@deadwax", TEXT, &signature).is_err());

    // A passphrase: asked for, right or not.
    let path = make("locked", "ed25519", "open sesame");
    let Found::Locked(locked) = keys::read(&path, "file").unwrap() else { panic!("it is open") };
    let wrong = locked.unlock(&Secret::new("open says me")).unwrap_err();
    assert_eq!(wrong.reason(), "PASSPHRASE_WRONG");
    assert!(!format!("{wrong} {wrong:?} {locked:?}").contains("says me"));
    let signer = locked.unlock(&Secret::new("open sesame")).unwrap();
    let signature = sign::sign(&signer, STATEMENT, TEXT).unwrap();
    assert!(openssh_takes(dir.path(), signer.line(), STATEMENT, TEXT, &signature));

    assert_eq!(reason(keys::read(&make("old", "rsa", ""), "file")), "KEY_INVALID");
    assert_eq!(reason(keys::read(&dir.path().join("nothing"), "file")), "NO_KEY");
    fs::set_permissions(dir.path().join("plain"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(reason(keys::read(&dir.path().join("plain"), "file")), "KEY_OPEN");
    fs::set_permissions(dir.path().join("plain.pub"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(reason(keys::read(&dir.path().join("plain.pub"), "file")), "KEY_INVALID");
}

#[test]
fn a_key_that_is_made_with_a_passphrase_opens_with_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(dir.path());
    keys::make(&home, "ana", Some(&Secret::new("open sesame")), false).unwrap();
    let profile = Profile { name: "ana".into(), key: Setup::Own.text(), ..Profile::default() };
    let Some(Found::Locked(locked)) = keys::find(&home, &profile).unwrap() else { panic!("it is open") };
    assert!(locked.unlock(&Secret::new("")).is_err());
    assert!(locked.unlock(&Secret::new("open sesame")).is_ok());
    assert!(keys::find(&home, &Profile { key: None, ..profile.clone() }).unwrap().is_none());
    assert!(keys::find(&home, &Profile { key: Some("file:relative".into()), ..profile }).is_err());
}

/// Ends its agent however the test ends.
struct Running(u32);

impl Drop for Running {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.to_string()).status());
    }
}

#[test]
fn a_real_agent_signs_and_says_no() {
    if !(has("ssh-agent") && has("ssh-add") && has("ssh-keygen")) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("agent");
    let told = ran(Command::new("ssh-agent").arg("-s").arg("-a").arg(&socket));
    let number = told.split("SSH_AGENT_PID=").nth(1).unwrap().split(';').next().unwrap();
    let _running = Running(number.parse().unwrap());
    let path = dir.path().join("key");
    ran(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "ana on the train", "-f"])
        .arg(&path));
    let agent = Agent::at(&socket);
    assert_eq!(agent.identities().unwrap(), []);
    let own = ready(keys::read(&path, "file").unwrap());
    assert_eq!(keys::from_agent(&agent, own.fingerprint()).unwrap_err().reason(), "NO_KEY");
    ran(Command::new("ssh-add").arg("-q").arg(&path).env("SSH_AUTH_SOCK", &socket));
    assert_eq!(agent.identities().unwrap()[0].comment, "ana on the train");
    let signer = keys::from_agent(&agent, own.fingerprint()).unwrap();
    let signature = sign::sign(&signer, STATEMENT, TEXT).unwrap();
    assert!(openssh_takes(dir.path(), own.line(), STATEMENT, TEXT, &signature));
    ran(Command::new("ssh-add").args(["-q", "-D"]).env("SSH_AUTH_SOCK", &socket));
    assert_eq!(sign::sign(&signer, STATEMENT, TEXT).unwrap_err().reason(), "NOT_SIGNED");
    assert_eq!(Agent::at(dir.path().join("none")).identities().unwrap_err().reason(), "AGENT_FAILED");
}

/// An agent that means harm: what it answers to each question.
fn strange(answer: Vec<u8>) -> (tempfile::TempDir, Agent) {
    use std::{io::Read as _, os::unix::net::UnixListener};
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join("s")).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut line, _)) = listener.accept() {
            drop(line.read(&mut [0; 4096]));
            drop(line.write_all(&answer));
        }
    });
    let agent = Agent::at(dir.path().join("s"));
    (dir, agent)
}

#[test]
fn a_strange_agent_is_refused_before_room_is_made_for_its_lengths() {
    let framed = |body: &[u8]| [&(body.len() as u32).to_be_bytes(), body].concat();
    for answer in [
        vec![],
        vec![0, 0, 0, 0],
        vec![0xff, 0xff, 0xff, 0xff, 12],
        framed(&[5]),
        framed(&[12, 0xff, 0xff, 0xff, 0xff]),
        framed(&[12, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 1]),
        framed(&[12, 0, 0, 0, 0, 7]),
        framed(&[14, 0, 0, 0, 9, 0, 0, 0, 200, 1]),
    ] {
        let (_dir, agent) = strange(answer.clone());
        assert_eq!(agent.identities().unwrap_err().reason(), "AGENT_FAILED", "{answer:?}");
        assert!(agent.sign(b"key", b"data").is_err(), "{answer:?}");
    }
}
