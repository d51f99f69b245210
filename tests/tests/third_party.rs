//! A client that was not written with this project: Python's grpcio, which learns everything from server reflection. Runs where the environment
//! variable GRPC_PYTHON names a Python that has grpcio and grpcio-reflection; elsewhere it says that it was left out.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{path::Path, process::Command};

use deadwax_tests::{
    demo::{Log, Material, Studio, cast, mixing},
    song,
};
use serde_json::Value;

#[test]
fn a_third_partys_client_signs_in_approves_and_watches() {
    let Some(python) = std::env::var_os("GRPC_PYTHON").filter(|python| !python.is_empty()) else {
        eprintln!("left out: GRPC_PYTHON names no Python with grpcio and grpcio-reflection");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let material = Material::Song(Box::new(song::arrange().begun_at_the_bridge()));
    let mut on =
        Studio::found(Path::new(env!("CARGO_BIN_EXE_demo")), root.path(), material, Log::new(true)).unwrap();
    mixing::take(&on).unwrap();
    mixing::first_mix(&on).unwrap();
    // A further device of the label's: its code is all that the other client is given.
    let said = on.cast.label.verb(["invite"]).unwrap();
    let link: deadwax_client::net::Link = said.first()["link"].as_str().unwrap().parse().unwrap();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join("third_party.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&on.house.address)
        .arg(on.house.studio.join("certificate.pem"))
        .arg(&link.code)
        .arg(on.project_id().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let told: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |key: &str| told.iter().find_map(|one| one.get(key)).unwrap_or_else(|| panic!("no {key} in {said}"));
    for service in [
        "deadwax.v1.Sessions",
        "deadwax.v1.Projects",
        "deadwax.v1.Media",
        "deadwax.v1.Mastering",
        "grpc.health.v1.Health",
    ] {
        assert!(of("services").as_array().unwrap().contains(&service.into()), "{service} is not offered");
    }
    assert_eq!((of("health"), of("logged_in")), (&1.into(), &"Lena Ruiz".into()));
    assert_eq!(of("seq"), of("watched_to"), "the stream told of the approval");

    let rows = cast::rows(&on.cast.artist).unwrap();
    let gate = cast::of_kind(&rows, "gate").next().unwrap();
    let signed =
        gate["approvals"].as_array().unwrap().iter().any(|a| a["role"] == "label" && a["state"] == "counts");
    assert!(signed, "its approval counts: {gate}");
    on.house.close().unwrap();
}
