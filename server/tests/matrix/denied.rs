//! What the log tells of calls that were denied: each once, with who, which call, from where and why, and never with what was asked. Login failures too. Never
//! here: who is denied what.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use deadwax_domain::PersonId;
use deadwax_proto::v1;
use deadwax_server::{config, telemetry};
use serde_json::Value;
use tokio::sync::MutexGuard;
use tonic::Code;

use crate::{
    asked::No,
    common::{House, id_text, refused},
};

/// Everything that this process logs.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

static PAPER: OnceLock<Paper> = OnceLock::new();
/// One test of this file at a time reads it.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Method, person, code, reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial(String, String, String, String);

impl Denial {
    /// `None`: it was refused by a rule or a limit, which is no denial.
    pub fn of(method: &str, person: Option<PersonId>, no: &No) -> Option<Denial> {
        let code = match no.code {
            Code::Unauthenticated | Code::PermissionDenied | Code::NotFound => format!("{:?}", no.code),
            _ => return None,
        };
        let person = person.map_or_else(|| "-".to_owned(), |person| id_text(person.0));
        Some(Denial(method.to_owned(), person, code, no.reason.clone()))
    }
}

pub struct Log {
    _alone: MutexGuard<'static, ()>,
    paper: Paper,
    told: Mutex<usize>,
}

impl Log {
    /// Empty.
    pub async fn of_this_test() -> Log {
        let alone = ONE.lock().await;
        let paper = PAPER.get_or_init(|| {
            let paper = Paper::default();
            let writer = paper.clone();
            let log = config::Log { format: config::LogFormat::Json, level: config::LogLevel::Info };
            let subscriber = telemetry::subscriber(&log, move || writer.clone());
            tracing::subscriber::set_global_default(subscriber).expect("nobody else sets one here");
            paper
        });
        paper.0.lock().unwrap().clear();
        Log { _alone: alone, paper: paper.clone(), told: Mutex::default() }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.paper.0.lock().unwrap().clone()).unwrap()
    }

    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn denials(&self) -> Vec<Denial> {
        let lines = self.lines();
        let denied = lines.iter().filter(|line| line["message"] == "denied");
        let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let denial = |line: &Value| {
            assert_eq!(line["level"], "WARN");
            assert_eq!(line["address"], "127.0.0.1");
            Denial(text(line, "method"), text(line, "person"), text(line, "code"), text(line, "reason"))
        };
        denied.map(denial).collect()
    }

    pub fn count(&self) -> usize {
        *self.told.lock().unwrap()
    }

    /// What the log tells otherwise, once the lines have come that are written after the answer.
    pub async fn differs(&self, expected: Vec<Denial>) -> Vec<String> {
        let mut told = self.denials();
        for _ in 0..100 {
            if told.len() >= expected.len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            told = self.denials();
        }
        *self.told.lock().unwrap() = told.len();
        let mut counts: BTreeMap<Denial, (i64, i64)> = BTreeMap::new();
        expected.into_iter().for_each(|denial| counts.entry(denial).or_default().0 += 1);
        told.into_iter().for_each(|denial| counts.entry(denial).or_default().1 += 1);
        let wrong = counts.into_iter().filter(|(_, (asked, told))| asked != told);
        wrong.map(|(denial, (asked, told))| format!("{denial:?}: {asked} times, told {told} times")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_and_a_wrong_token_are_told_without_either() {
    let log = Log::of_this_test().await;
    let house = House::open().await;
    let mut seat = house.stranger().await;
    refused(seat.login("canarycode").await, "INVITE_UNKNOWN");
    seat.token = "dwx_canarytoken".into();
    let asked = seat.with(v1::WhoAmIRequest {});
    refused(seat.sessions.who_am_i(asked).await, "SESSION_ENDED");
    let denial = |method: &str, reason: &str| {
        Denial(method.to_owned(), "-".to_owned(), "Unauthenticated".to_owned(), reason.to_owned())
    };
    let expected = vec![
        denial("deadwax.v1.Sessions/Login", "INVITE_UNKNOWN"),
        denial("deadwax.v1.Sessions/WhoAmI", "SESSION_ENDED"),
    ];
    assert_eq!(log.differs(expected).await, Vec::<String>::new());
    assert!(!log.text().contains("canary"), "{}", log.text());
}
