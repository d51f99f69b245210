//! A generator that is not ours beside ours: h2load of nghttp2 (Debian: nghttp2-client) asks the same call over as many connections, in the same minute. What ours
//! tells should be what it tells. It does not check certificates, by its own choice. Never here: our generator.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context as _, Result, ensure};

use super::{Size, figures::Line, performs, stand::Stand};

/// Calls in both directions of doubt: ours is written for measuring the server and speaks gRPC in full, theirs only counts answers.
const NOT_BELOW: f64 = 0.33;
const NOT_ABOVE: f64 = 3.0;
const PATH: &str = "/deadwax.v1.Sessions/WhoAmI";
/// A gRPC message of no bytes: not compressed, length 0.
const EMPTY: [u8; 5] = [0; 5];

pub async fn measure(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let what = format!("h2load beside ours: WhoAmI over {} connections", size.writers);
    let Some(program) = program() else {
        return Ok(vec![Line::told(what, "not there: apt-get install nghttp2-client")]);
    };
    let time = Duration::from_secs(size.seconds.min(10));
    let (count, spread) = performs::questions(stand, size.writers, time).await?;
    let ours = count as f64 / time.as_secs_f64();
    let (address, token) = stand.door().context("no server to ask")?;
    let body = stand.folder.join("h2load-body");
    fs::write(&body, EMPTY)?;
    let mut command = Command::new(program);
    command
        .args(["-D", &time.as_secs().to_string(), "-c", &size.writers.to_string(), "-m", "1", "-t", "1"])
        .arg("-d")
        .arg(&body)
        .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
        .args(["-H", &format!("authorization: Bearer {token}")])
        .arg(format!("https://{address}{PATH}"));
    let output = tokio::task::spawn_blocking(move || command.output()).await?.context("starting h2load")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let theirs = Theirs::read(&text).with_context(|| format!("h2load said: {text}"))?;
    // A refusal is a 200 too in gRPC, but has no message: an answer with a person in it is longer than its head.
    ensure!(theirs.answers > 0 && theirs.data_bytes > 5 * theirs.answers, "h2load was refused: {text}");
    let ratio = ours / theirs.rate;
    Ok(vec![Line::judged(
        what,
        format!("ours {ours:.0}/s ({spread}), h2load {:.0}/s: ours is {ratio:.2} of it", theirs.rate),
        format!("{NOT_BELOW} to {NOT_ABOVE} of h2load"),
        (NOT_BELOW..=NOT_ABOVE).contains(&ratio),
    )])
}

fn program() -> Option<std::path::PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder| folder.join("h2load")).find(|it| it.exists())
}

struct Theirs {
    rate: f64,
    answers: u64,
    data_bytes: u64,
}

impl Theirs {
    /// `finished in 10.00s, 5021.30 req/s, 612.11KB/s`, `status codes: 50213 2xx, ...` and `traffic: 5.98MB (6267892) total, ..., 2.06MB (2159159) data`.
    fn read(text: &str) -> Option<Theirs> {
        let line = |begins: &str| text.lines().find_map(|line| line.strip_prefix(begins));
        let rate = line("finished in ")?.split(", ").find_map(|it| it.strip_suffix(" req/s"))?;
        let answers = line("status codes: ")?.split(", ").find_map(|it| it.strip_suffix(" 2xx"))?;
        let data = line("traffic: ")?.split(", ").find(|it| it.ends_with(" data"))?;
        let data = data.split_once('(')?.1.split_once(')')?.0;
        Some(Theirs {
            rate: rate.trim().parse().ok()?,
            answers: answers.trim().parse().ok()?,
            data_bytes: data.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_h2load_says_is_read() {
        let said = "\nfinished in 10.00s, 5021.30 req/s, 612.11KB/s\nrequests: 50213 total, 50277 started, 50213 done, 50213 succeeded\n\
             status codes: 50213 2xx, 0 3xx, 0 4xx, 0 5xx\ntraffic: 5.98MB (6267892) total, 1.35MB (1417654) headers (space savings 85.00%), 2.06MB (2159159) data\n";
        let theirs = Theirs::read(said).unwrap();
        assert!((theirs.rate - 5021.3).abs() < 0.01);
        assert_eq!((theirs.answers, theirs.data_bytes), (50_213, 2_159_159));
        assert!(Theirs::read("h2load: could not connect").is_none());
    }
}
