//! Settings: what cannot be used is refused with the key's name and where it stands.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::fs;

use deadwax_server::config::Config;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("studio.toml"), text).unwrap();
    let variables = variables.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Config::load(folder.path(), variables).map_err(|error| error.to_string())
}

#[test]
fn an_empty_file_is_the_default_studio() {
    assert_eq!(load("", &[]).unwrap(), Config::default());
}

#[test]
fn the_template_of_a_new_studio_reads_back() {
    let config = Config {
        name: "Gold \"Room\" \\ 1".into(),
        public_address: "studio.example:4747".into(),
        ..Config::default()
    };
    assert_eq!(load(&config.template(), &[]).unwrap(), config);
}

#[test]
fn errors_name_the_key_and_the_place() {
    // Text of the file, variables, words that the error must hold.
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);
    let cases: &[Case] = &[
        ("nmae = \"x\"", &[], &["studio.toml", "line 1", "nmae"]),
        ("[limits]\nmax_upload = 3", &[], &["studio.toml", "line 2", "max_upload"]),
        (
            "[limits]\nmax_upload_bytes = \"much\"",
            &[],
            &["studio.toml", "line 2", "max_upload_bytes", "much"],
        ),
        ("[limits]\nmax_upload_bytes = -1", &[], &["line 2", "max_upload_bytes"]),
        ("listen = \"here\"", &[], &["line 1", "listen"]),
        ("tls = maybe", &[], &["line 1", "tls"]),
        ("[log]\nlevel = \"loud\"", &[], &["line 2", "level", "loud", "debug"]),
        ("[render]\nmemory_bytes = 1", &[], &["`render.memory_bytes`", "256 MiB"]),
        ("[limits]\nuploads_per_person = 0", &[], &["`limits.uploads_per_person`"]),
        ("[limits]\nmessage_bytes = 100", &[], &["`limits.message_bytes`"]),
        ("[mail]\nhots = \"x\"", &[], &["line 2", "hots"]),
        ("[mail]\nhost = \"mail.example\"", &[], &["`mail.from`", "deadwax@studio.example"]),
        ("[mail]\nhost = \"mail.example:25\\r\\n\"\nfrom = \"a@b.example\"", &[], &["`mail.host`", "alone"]),
        ("[mail]\nfrom = \"a@b.example\"", &[], &["`mail.from`", "`mail.host`"]),
        ("[mail]\nhost = \"m.example\"\nfrom = \"a\\r\\nBcc: b <a@b.example>\"", &[], &["`mail.from`"]),
        (
            "[mail]\nhost = \"m.example\"\nfrom = \"a@b.example\"\nuser = \"u\"",
            &[],
            &["`mail.password_file`", "both"],
        ),
        (
            "[mail]\nhost = \"m.example\"\nfrom = \"a@b.example\"\nsecurity = \"none\"",
            &[],
            &["`mail.security`", "allow_plain"],
        ),
        ("[mail]\nsecurity = \"ssl\"", &[], &["line 2", "security", "ssl", "starttls"]),
        ("[mail]\ndigest_hour = 24", &[], &["`mail.digest_hour`", "UTC"]),
        ("[mail]\npassword = \"word\"", &[], &["line 2", "password", "password_file"]),
        ("[webhooks]\nprivate = true", &[], &["line 2", "private", "allow_private"]),
        (
            "[webhooks]\nhosts = [\"https://a.example/x\"]",
            &[],
            &["`webhooks.hosts`", "a.example/x", "*.example.org"],
        ),
        ("", &[("WEBHOOKS__HOSTS", "[\"a b\"]")], &["`webhooks.hosts`", "a b"]),
        ("", &[("WEBHOOKS__ALLOW_PRIVATE", "perhaps")], &["DEADWAX_WEBHOOKS__ALLOW_PRIVATE", "perhaps"]),
        ("[metrics]\nlisten = \"9464\"", &[], &["`metrics.listen`", "127.0.0.1:9464"]),
        ("", &[("METRICS__LISTEN", "here")], &["`metrics.listen`"]),
        ("[telemetry]\notlp = \"http://u:p@collector:4317\"", &[], &["`telemetry.otlp`", "password"]),
        ("[telemetry]\notlp = \"collector\"", &[], &["`telemetry.otlp`"]),
        ("[telemetry]\nshare = 1.5", &[], &["`telemetry.share`"]),
        ("public_address = \"nowhere\"", &[], &["`public_address`", "host:port"]),
        ("listen = \"0.0.0.0:4747\"\ntls = false", &[], &["`tls`", "loopback"]),
        ("name = \"a\\u001b[2Jb\"", &[], &["`name`", "control"]),
        ("", &[("LIMITS__MAX_UPLOAD", "3")], &["DEADWAX_LIMITS__MAX_UPLOAD", "max_upload_bytes"]),
        ("", &[("LIMITS__MAX_UPLOAD_BYTES", "much")], &["DEADWAX_LIMITS__MAX_UPLOAD_BYTES", "much"]),
        ("", &[("LISTEN", "here")], &["DEADWAX_LISTEN", "socket address"]),
        ("", &[("NMAE", "x")], &["DEADWAX_NMAE"]),
    ];
    for (text, variables, words) in cases {
        let error = load(text, variables).expect_err(text);
        for word in *words {
            assert!(error.contains(word), "{text:?} {variables:?}: {word:?} is not in: {error}");
        }
    }
}

#[test]
fn mail_may_go_in_the_clear_to_this_machine_or_where_it_is_allowed() {
    let with =
        |more: &str| load(&format!("[mail]\nfrom = \"a@b.example\"\nsecurity = \"none\"\n{more}"), &[]);
    for near in ["localhost", "127.0.0.1", "::1"] {
        assert!(with(&format!("host = \"{near}\"")).is_ok(), "{near}");
    }
    assert!(with("host = \"m.example\"\nallow_plain = true").is_ok());
    let config = load("", &[("MAIL__HOST", "1984"), ("MAIL__FROM", "Gold <a@b.example>")]).unwrap();
    assert_eq!((config.mail.host.as_str(), config.mail.port_or_usual()), ("1984", 587));
}

#[test]
fn the_environment_lies_over_the_file() {
    let config = load(
        "name = \"File\"\n[limits]\nmax_upload_bytes = 1000\nuploads_per_person = 3",
        &[
            ("LIMITS__MAX_UPLOAD_BYTES", "2000"),
            ("NAME", "1984"),
            ("LISTEN", "127.0.0.1:9"),
            ("TLS", "false"),
            ("METRICS__LISTEN", "127.0.0.1:9464"),
        ],
    )
    .unwrap();
    assert_eq!(config.metrics.address(), Some("127.0.0.1:9464".parse().unwrap()));
    assert_eq!((config.limits.max_upload_bytes, config.limits.uploads_per_person), (2000, 3));
    assert_eq!(config.name, "1984", "text stays text");
    assert_eq!((config.listen.port(), config.tls), (9, false));
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Config::load(&folder.path().join("nothing"), Vec::new()).unwrap_err().to_string();
    assert!(error.contains("nothing/studio.toml"), "{error}");
}

#[test]
fn links_carry_an_address_that_others_can_reach() {
    let mut config = Config::default();
    assert_eq!(config.address_for_links("[::1]:4747".parse().unwrap()), "[::1]:4747");
    assert!(!config.address_for_links("0.0.0.0:4747".parse().unwrap()).starts_with("0.0.0.0"));
    config.public_address = "studio.example:443".into();
    assert_eq!(config.address_for_links("0.0.0.0:4747".parse().unwrap()), "studio.example:443");
}

/// A planted bug (docs/PLANTED.md) is in no program that was built without the feature: not even its name.
#[cfg(not(feature = "planted"))]
#[test]
fn the_program_holds_no_planted_bug() {
    let program = fs::read(env!("CARGO_BIN_EXE_deadwax-server")).unwrap();
    // As text: the library's search is a fast one, also in a test that is not.
    let program = String::from_utf8_lossy(&program);
    let holds = |word: &str| program.contains(word);
    assert!(holds("studio.toml"), "the reader finds what is there");
    let paper = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PLANTED.md")).unwrap();
    let bugs = paper.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let words: Vec<&str> = bugs.chain(["DEADWAX_TEST_PLANT"]).collect();
    assert_eq!(words.len(), 22);
    let held: Vec<&str> = words.into_iter().filter(|word| holds(word)).collect();
    assert!(held.is_empty(), "{held:?}");
}
