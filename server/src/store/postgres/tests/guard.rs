//! What the store refuses to start on or to go on with, and lines that are encrypted or not there at all.

use std::{fs, time::Instant};

use tokio_postgres::NoTls;

use super::{cluster::Cluster, *};
use crate::store::{conformance::append, settings::Url};

async fn refused(options: Options) -> OpenError {
    PostgresStore::open(options).await.map(drop).unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_does_not_keep_what_it_acknowledges_is_refused() {
    let Some(cluster) = Cluster::start(&["fsync = off"]) else { return };
    let no = refused(cluster.place()).await;
    assert!(matches!(&no, OpenError::Unsafe(why) if why.contains("fsync = on")), "{no}");
    let Some(options) = place() else { return };
    let url = options.url.reveal().replace("-c search", "-c synchronous_commit=off -c search");
    let no = refused(Options { url: Url::new(url), ..options }).await;
    assert!(matches!(&no, OpenError::Unsafe(why) if why.contains("SET synchronous_commit = on")), "{no}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_a_newer_server_are_refused_and_eight_servers_make_them_once() {
    let Some(options) = place() else { return };
    let starts = (0..8).map(|_| PostgresStore::open(options.clone()));
    let stores: Vec<_> = futures::future::join_all(starts).await.into_iter().map(Result::unwrap).collect();
    let client = stores[0].link.client().await.unwrap();
    let rows = client.query("SELECT version FROM deadwax_schema", &[]).await.unwrap();
    assert_eq!(rows.len() as i64, schema::KNOWN);
    client.batch_execute("INSERT INTO deadwax_schema VALUES (99, now())").await.unwrap();
    let no = refused(options).await;
    assert!(matches!(no, OpenError::Newer { schema: 99, known: schema::KNOWN }), "{no}");
    assert!(no.to_string().contains("Start a newer deadwax-server"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_do_not_match_their_hash_are_damage_and_erased_bytes_are_gone() {
    let Some(options) = place() else { return };
    let store = opened(&options).await;
    store.append(append(1, 0, 1, &["one", "two", "three"])).await.unwrap();
    store.redact(StreamId(1), 2).await.unwrap();
    let client = store.link.client().await.unwrap();
    let gone = client.query("SELECT 1 FROM deadwax_entries WHERE salted IS NULL", &[]).await.unwrap();
    assert_eq!(gone.len(), 1);
    client.batch_execute("UPDATE deadwax_entries SET salted = salted || 'x' WHERE seq = 3").await.unwrap();
    assert!(matches!(store.read(StreamId(1), 2, 9).await, Err(ReadError::Corrupt { .. })));
    assert_eq!(store.read(StreamId(1), 0, 2).await.unwrap().len(), 2);
    client.batch_execute("DELETE FROM deadwax_entries WHERE seq = 1").await.unwrap();
    assert!(matches!(store.read(StreamId(1), 0, 2).await, Err(ReadError::Corrupt { .. })));
}

/// A standby that lagged took over: what was acknowledged is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_lost_what_was_acknowledged_is_not_written_to() {
    let Some(options) = place() else { return };
    let store = opened(&options).await;
    store.append(append(1, 0, 1, &["one", "two"])).await.unwrap();
    let client = store.link.client().await.unwrap();
    let back = "UPDATE deadwax_streams SET head = 1; DELETE FROM deadwax_entries WHERE seq = 2";
    client.batch_execute(back).await.unwrap();
    let no = store.append(append(1, 2, 2, &["three"])).await.unwrap_err();
    assert!(matches!(&no, AppendError::ReadOnly(why) if why.contains("went back")), "{no}");
    let no = store.append(append(2, 0, 3, &["elsewhere"])).await.unwrap_err();
    assert!(matches!(no, AppendError::ReadOnly(_)), "{no}");
    assert_eq!(store.read(StreamId(1), 0, 9).await.unwrap().len(), 1, "reads go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_is_told_and_shows_no_password() {
    let url = Url::new("postgres://ann:topsecret@127.0.0.1:1/x");
    let began = Instant::now();
    let no = refused(Options { patience: Duration::from_millis(300), ..Options::new(url) }).await;
    assert!(matches!(no, OpenError::Away(_)), "{no}");
    assert!(!format!("{no} {no:?}").contains("topsecret") && began.elapsed() < Duration::from_secs(30));
}

/// TLS with an authority of one's own; nothing without it, nothing with another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_line_is_encrypted_and_the_certificate_is_asked_for() {
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (certificate, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let settings = ["ssl = on", "ssl_cert_file = 'own.pem'", "ssl_key_file = 'own.key'"];
    let cluster = Cluster::start_with(&settings, |data| {
        fs::write(data.join("own.pem"), &certificate).unwrap();
        fs::write(data.join("own.key"), &key).unwrap();
        let who = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), who).unwrap();
    });
    let Some(cluster) = cluster else { return };
    cluster.psql("CREATE ROLE ann LOGIN SUPERUSER PASSWORD 'topsecret'");
    let folder = tempfile::tempdir().unwrap();
    let (mine, theirs) = (folder.path().join("mine.pem"), folder.path().join("theirs.pem"));
    fs::write(&mine, certificate).unwrap();
    fs::write(&theirs, other.cert.pem()).unwrap();
    let url = |mode: &str| {
        let port = cluster.port();
        Url::new(format!(
            "postgres://ann:topsecret@localhost:{port}/postgres?hostaddr=127.0.0.1&sslmode={mode}"
        ))
    };
    let options = |ca: &std::path::Path, mode: &str| Options {
        ca: Some(ca.to_owned()),
        patience: Duration::from_millis(200),
        ..Options::new(url(mode))
    };
    let store = opened(&options(&mine, "require")).await;
    let client = store.link.client().await.unwrap();
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert!(client.query_one(encrypted, &[]).await.unwrap().get::<_, bool>(0));
    let no = refused(options(&theirs, "require")).await;
    assert!(matches!(no, OpenError::Away(_)), "{no}");
    let no = refused(options(&mine, "disable")).await;
    assert!(!no.to_string().contains("topsecret"), "{no}");
}

/// The plainest use of the harness: it answers on its port as well.
#[tokio::test]
async fn the_harness_runs_a_postgres_of_its_own() {
    let Some(cluster) = cluster::shared() else { return };
    let url = format!("host=127.0.0.1 port={} user=deadwax dbname=postgres", cluster.port());
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let _line = AbortOnDropHandle::new(tokio::spawn(connection));
    let version: String = client.query_one("SHOW server_version", &[]).await.unwrap().get(0);
    println!("Postgres {version}");
}
