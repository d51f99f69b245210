//! An evidence in the hands of a third person: the script that came along with ordinary tools alone, and copies in which something was touched. Never here: how
//! an evidence is made, or our own reader.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// `verify.sh` in an empty environment; `None` where its tools are absent. True: accepted, by exit code and by word.
pub fn script(folder: &Path, audio: &[PathBuf]) -> Result<Option<(bool, String)>> {
    let there = |tool: &str| ["/usr/bin", "/bin"].iter().any(|at| Path::new(at).join(tool).exists());
    if !there("ssh-keygen") || !there("sha256sum") {
        println!("ssh-keygen or sha256sum is absent: the script was not run");
        return Ok(None);
    }
    let said = Command::new("sh")
        .arg("verify.sh")
        .args(audio)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .context("starting verify.sh")?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    let accepted = said.status.success() && text.starts_with("ACCEPTED");
    ensure!(accepted || said.status.code() == Some(1), "verify.sh ended with {}: {text}", said.status);
    Ok(Some((accepted, text)))
}

/// A copy of its own; gone when it is dropped.
pub fn copy(folder: &Path) -> Result<tempfile::TempDir> {
    let copy = tempfile::Builder::new().prefix("touched-").tempdir()?;
    copy_into(folder, copy.path())?;
    Ok(copy)
}

pub fn copy_into(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy_into(&entry.path(), &target)?,
            false => fs::copy(entry.path(), &target).map(drop)?,
        }
    }
    Ok(())
}

/// The first such text of a file becomes another.
pub fn replaced(folder: &Path, name: &str, from: &str, to: &str) -> Result<()> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {name}"))?;
    ensure!(text.contains(from), "{name} has no {from:?}");
    fs::write(&path, text.replacen(from, to, 1))?;
    Ok(())
}

/// The lines of a file, made others.
pub fn relined(folder: &Path, name: &str, change: impl FnOnce(&mut Vec<String>)) -> Result<()> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {name}"))?;
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    change(&mut lines);
    fs::write(&path, lines.join("\n") + "\n")?;
    Ok(())
}

/// Two files change places.
pub fn swapped(folder: &Path, a: &str, b: &str) -> Result<()> {
    let (a, b) = (folder.join(a), folder.join(b));
    let (in_a, in_b) = (fs::read(&a)?, fs::read(&b)?);
    ensure!(in_a != in_b, "{} and {} are the same", a.display(), b.display());
    fs::write(a, in_b)?;
    fs::write(b, in_a)?;
    Ok(())
}

/// One bit of one byte, at a share of the file.
pub fn flipped(path: &Path, place: f64) -> Result<()> {
    let mut bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(!bytes.is_empty(), "{} is empty", path.display());
    let at = ((bytes.len() as f64 * place) as usize).min(bytes.len() - 1);
    bytes[at] ^= 1;
    fs::write(path, bytes)?;
    Ok(())
}
