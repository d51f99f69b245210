//! The package of a handoff: fetched so that a cut costs nothing, checked, and unpacked where asked. Its name becomes a file name only where it is one
//! of this house's; what a zip calls its entries is never trusted. Accepting and returning are `mastering`'s.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use deadwax_proto::v1;
use serde_json::json;

use super::{
    Context, VerbError, mastering,
    out::Bar,
    package::Package,
    place::{self, Fetched, make_folder},
    review::enter,
};
use crate::{
    cli::{HandoffArgs, HandoffWork},
    net::{Client, NetError},
    scrub,
};

/// A package is made within seconds of the gate; a long record on a busy disk may take minutes.
const MADE_WITHIN: Duration = Duration::from_secs(120);
const ASK_AGAIN: Duration = Duration::from_secs(1);

pub async fn handoff(c: &Context, asked: HandoffArgs) -> Result<(), VerbError> {
    match asked.work {
        Some(HandoffWork::Verb(verb)) => mastering::handoff(c, verb).await,
        Some(HandoffWork::Check { file }) => check(c, &file),
        None => fetch(c, asked).await,
    }
}

pub async fn fetch(c: &Context, args: HandoffArgs) -> Result<(), VerbError> {
    let HandoffArgs { of, out, unpack, mut place, .. } = args;
    place.song = of.or(place.song);
    let (client, house) = enter(c, &place).await?;
    let song = house.song(place.song.as_deref())?;
    let (project_id, song_id) = (house.project.project_id.clone(), song.song_id.clone());
    let package = made(c, &client, &project_id, &song_id).await?;
    let target = target(out.as_deref(), &package);
    let folder = target.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bar = Bar::bytes(&name, package.bytes);
    let fetched = Fetched { sha256: &package.sha256, bytes: package.bytes, name: &name };
    let ask = async |offset: u64, out: &mut place::Hashing| {
        let tell = |done, _| bar.set(done);
        client.handoff(&project_id, &song_id, &package.sha256, offset, out, &tell).await
    };
    let new = place::place_from(folder, &fetched, ask).await?;
    drop(bar);
    let state = if new { "fetched" } else { "already here" };
    c.out.both(
        &format!("{}  {state}, its digest is right", target.display()),
        &json!({ "file": target.to_string_lossy(), "sha256": package.sha256, "bytes": package.bytes, "fetched": new }),
    )?;
    if unpack {
        let mut zip = Package::open(&target)?;
        let into = zip.unpack(folder)?;
        let text = format!("{}  every file matches the manifest", into.display());
        c.out.both(
            &text,
            &json!({ "folder": into.to_string_lossy(), "files": zip.count(), "unpacked": true }),
        )?;
    }
    Ok(())
}

/// Waits for a package that is being made; a studio that cannot make it says why.
async fn made(
    c: &Context,
    client: &Client,
    project_id: &str,
    song_id: &str,
) -> Result<v1::Package, VerbError> {
    let begun = std::time::Instant::now();
    let mut told = false;
    loop {
        match client.ask_handoff(project_id, song_id).await {
            Err(NetError::Refused { code, reason, .. })
                if reason == "PACKAGE_NOT_MADE"
                    && code == tonic::Code::Unavailable
                    && begun.elapsed() < MADE_WITHIN =>
            {
                if !std::mem::replace(&mut told, true) {
                    c.out.aside("The studio is packing the handoff.");
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
            answer => return Ok(answer?),
        }
    }
}

/// `FILE.zip` as it was named, or a folder with a name of ours in it.
fn target(out: Option<&Path>, package: &v1::Package) -> PathBuf {
    let is_file =
        |path: &Path| path.extension().is_some_and(|it| it.eq_ignore_ascii_case("zip")) && !path.is_dir();
    match out {
        Some(path) if is_file(path) => path.to_owned(),
        folder => folder.unwrap_or(Path::new(".")).join(file_name(package)),
    }
}

/// The server's name where it is as this house writes names, else one from the digest.
pub fn file_name(package: &v1::Package) -> String {
    let stem = package.name.strip_suffix(".zip").unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !stem.is_empty() && stem.len() <= 120 && stem.contains('_') && stem.chars().all(plain) {
        return package.name.clone();
    }
    let digits: String = package.sha256.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    format!("Handoff_{digits}.zip")
}

/// Offline: does a package hold what its manifest says, and exactly what was signed?
pub fn check(c: &Context, file: &Path) -> Result<(), VerbError> {
    let mut package = Package::open(file)?;
    let checked = package.check()?;
    let text = format!(
        "{}\n{} of {} by {}: {} file(s) match the manifest, nothing else is in it.\nThe audio is what was signed: {}",
        scrub::line(&file.to_string_lossy()),
        checked.version,
        checked.title,
        checked.artist,
        checked.files,
        checked.fingerprint
    );
    let object = json!({
        "file": file.to_string_lossy(), "sound": true, "files": checked.files, "version": checked.version, "song": checked.title,
        "artist": checked.artist, "fingerprint": checked.fingerprint,
    });
    c.out.both(&text, &object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str) -> v1::Package {
        v1::Package { name: name.into(), sha256: "ab".repeat(32), bytes: 1, made_ms: 0 }
    }

    #[test]
    fn a_servers_name_is_used_only_where_it_is_one_of_ours() {
        assert_eq!(file_name(&package("Ana_Nachtlied_Mix2_Handoff1.zip")), "Ana_Nachtlied_Mix2_Handoff1.zip");
        let long = format!("{}.zip", "a_".repeat(100));
        for bad in [
            "../x_y.zip",
            "/etc/x_y.zip",
            "x_y",
            "x\\_y.zip",
            ".zip",
            "CON.zip",
            "a_b.zip.exe",
            "a_\u{202e}b.zip",
            &long,
            "",
        ] {
            assert_eq!(file_name(&package(bad)), "Handoff_abababababab.zip", "{bad}");
        }
    }

    #[test]
    fn a_zip_is_a_file_and_everything_else_a_folder() {
        let told = package("A_B_Mix1_Handoff1.zip");
        assert_eq!(target(None, &told), Path::new("./A_B_Mix1_Handoff1.zip"));
        assert_eq!(target(Some(Path::new("in")), &told), Path::new("in/A_B_Mix1_Handoff1.zip"));
        assert_eq!(target(Some(Path::new("in/My.ZIP")), &told), Path::new("in/My.ZIP"));
    }
}
