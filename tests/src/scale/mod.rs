//! A studio on more than one machine, all on this one: two servers that leave work to a worker, over a Postgres and an object store of their own, behind a
//! balancer where one is installed. Never here: what is tried on it.

pub mod balancer;
#[path = "../../../server/src/store/postgres/tests/cluster.rs"]
#[allow(
    clippy::unwrap_used,
    dead_code,
    reason = "of the tests of the store, where a failed step is a failed test"
)]
pub(crate) mod cluster;
#[path = "../../../server/src/blob/far/s3/tests/moto.rs"]
#[allow(
    clippy::unwrap_used,
    dead_code,
    reason = "of the tests of the object store, where a failed step is a failed test"
)]
pub(crate) mod moto;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use self::{
    balancer::{Balancer, Behind, Kind},
    cluster::Cluster,
    moto::Moto,
};
use crate::harness::{Does, House, free_port};

const PROBES_WITHIN: Duration = Duration::from_secs(10);

/// All of it but the first server, which is the house that people know.
pub struct Scale {
    pub second: House,
    pub worker: House,
    /// `None`: none is installed, and people are led straight to one server or the other.
    pub balancer: Option<Balancer>,
    bucket: String,
    moto: Moto,
    _database: Cluster,
    probes: [String; 2],
}

/// What stands before the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// This balancer, or none.
    Exactly(Option<Kind>),
    /// The first that is installed.
    Whatever,
}

/// What this needs and is not installed here, with the way to get it.
pub fn missing() -> Option<&'static str> {
    if !cluster::is_here() {
        return Some("no Postgres is installed here: apt-get install postgresql");
    }
    let no_moto = "no S3 server is installed here: pip install 'moto[server]', and put its `bin` on the PATH";
    (!moto::is_here()).then_some(no_moto)
}

/// Two servers and a worker below `root`, all of them running.
///
/// # Errors
/// Where Postgres or an S3 server is not installed, in a sentence that says how to get them; where a start fails.
pub fn open(exe: &Path, root: &Path, front: Front) -> Result<(House, Scale)> {
    if let Some(missing) = missing() {
        bail!("{missing}");
    }
    let (database, moto) = (Cluster::start(&[]), Moto::start(&[]));
    let database = database.context("Postgres was there a moment ago")?;
    let moto = moto.context("the S3 server was there a moment ago")?;
    let bucket = moto.bucket();
    let settings = vec![
        ("STORE__ENGINE", "postgres".to_owned()),
        ("STORE__URL", database.place().url.reveal().to_owned()),
        ("AUDIO__STORE", "s3".to_owned()),
        ("AUDIO__ENDPOINT", moto.endpoint()),
        ("AUDIO__BUCKET", bucket.clone()),
        ("AUDIO__ACCESS_KEY", "AKID".to_owned()),
        ("AUDIO__SECRET_KEY", "none of anybody's".to_owned()),
    ];
    let mut first = House::found_with(exe, root, settings)?;
    first.set([("render", "here", false)])?;
    let mut second = first.beside("second", Does::Serve)?;
    let mut worker = first.beside("worker", Does::Work)?;
    let probes = [probed(&first)?, probed(&second)?];
    let behind = [(&first, &probes[0]), (&second, &probes[1])];
    let behind =
        behind.map(|(house, probes)| Behind { calls: house.address.clone(), probes: probes.clone() });
    let kind = match front {
        Front::Exactly(kind) => kind,
        Front::Whatever => Kind::ALL.into_iter().find(|kind| kind.program().is_some()),
    };
    for house in [&mut first, &mut second, &mut worker] {
        house.open()?;
    }
    let balancer = kind.map(|kind| Balancer::start(kind, root, &behind)).transpose()?;
    if let Some(balancer) = &balancer {
        let address = balancer.address.to_string();
        first.owner_link = led_to(&first.owner_link, &first.address, &address)?;
        // Whoever is invited from now on comes by the balancer too.
        for house in [&mut first, &mut second] {
            house.set([("", "public_address", address.as_str())])?;
            house.close()?;
            house.open()?;
        }
        balancer.found_again()?;
    }
    Ok((first, Scale { second, worker, balancer, bucket, moto, _database: database, probes }))
}

/// Gives it a door for probes.
fn probed(house: &House) -> Result<String> {
    let address = format!("127.0.0.1:{}", free_port()?);
    house.set([("metrics", "listen", address.as_str())])?;
    Ok(address)
}

/// A link or an address of `from`, as if it had been made by `to`.
fn led_to(link: &str, from: &str, to: &str) -> Result<String> {
    ensure!(link.contains(from), "{link} does not lead to {from}");
    Ok(link.replacen(from, to, 1))
}

impl Scale {
    /// Calls that ended well at each of the servers, by their own figures.
    ///
    /// # Errors
    /// Where a server does not answer at its door for probes.
    pub fn calls(&self) -> Result<[u64; 2]> {
        let [first, second] = &self.probes;
        Ok([calls_at(first)?, calls_at(second)?])
    }

    /// Lets the S3 server say what lies in the bucket, and reads each finished file to its end; answers the digest that its
    /// name says, and that of the bytes.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn stored(&self) -> Result<Vec<(String, String)>> {
        let port = self.moto.port();
        let list = get(port, &format!("/{}?list-type=2&prefix=blobs/&max-keys=1000", self.bucket))?;
        let list = String::from_utf8(list).context("the list of the bucket")?;
        ensure!(!list.contains("<IsTruncated>true"), "there are more than 1,000 files");
        let keys = list.split("<Key>").skip(1).filter_map(|it| it.split_once("</Key>")).map(|it| it.0);
        keys.map(|key| {
            let bytes = get(port, &format!("/{}/{key}", self.bucket))?;
            Ok((key.trim_start_matches("blobs/").replace('/', ""), sha256(&bytes)))
        })
        .collect()
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn calls_at(address: &str) -> Result<u64> {
    let port = address.rsplit(':').next().and_then(|it| it.parse().ok()).context("an address with a port")?;
    let text = String::from_utf8(get(port, "/metrics")?).context("the figures of a server")?;
    let lines =
        text.lines().filter(|it| it.starts_with("deadwax_calls_total{") && it.contains("code=\"OK\""));
    let figure = |line: &str| line.rsplit(' ').next().and_then(|it| it.parse::<f64>().ok()).unwrap_or(0.0);
    Ok(lines.map(figure).sum::<f64>().round().max(0.0) as u64)
}

/// The body of an answer on this machine, over plain HTTP.
fn get(port: u16, path: &str) -> Result<Vec<u8>> {
    let mut line = TcpStream::connect(("127.0.0.1", port)).with_context(|| format!("asking {path}"))?;
    line.set_read_timeout(Some(PROBES_WITHIN))?;
    let signed = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let asked = format!(
        "GET {path} HTTP/1.0\r\nhost: 127.0.0.1\r\nauthorization: {signed}\r\nconnection: close\r\n\r\n"
    );
    line.write_all(asked.as_bytes())?;
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).with_context(|| format!("reading the answer to {path}"))?;
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").context("an answer without a body")?;
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).into_owned();
    ensure!(head.split(' ').nth(1) == Some("200"), "{path} was answered {head}");
    Ok(answer.split_off(end + 4))
}
