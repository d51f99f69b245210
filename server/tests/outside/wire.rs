//! G8w: messages that no client sends, over a real line into a real server: fields of any content, then bytes changed by lot, under every call of the contract.
//! No panic anywhere in the process, no call that is answered by an inner error, and the server serves on. Never here: what an honest client sends.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadwax_domain::Command;
use deadwax_proto::v1;
use tonic::{Code, transport::Channel};

use crate::{
    common::{House, id_text},
    contract::{Call, Contract, Fill, call},
    lot::{Lot, mutated},
    seed, tell, times,
};

/// Calls under way at the same time.
const AT_ONCE: u64 = 12;
/// What streams for ever is left after so long.
const PATIENCE: Duration = Duration::from_millis(300);
/// The process holds server, clients and all that was written into the memory store.
const MEMORY_MIB_MAX: u64 = 1024;

/// Ids that exist, words that mean something, and whatever else.
struct Anything<'a> {
    ids: &'a [String],
}

impl Fill for Anything<'_> {
    fn text(&mut self, field: &str, lot: &mut Lot) -> Vec<u8> {
        if field.ends_with("_id") && !lot.one_in(4) {
            return if lot.one_in(3) { uuid::Uuid::now_v7().to_string() } else { lot.of(self.ids).clone() }
                .into_bytes();
        }
        match lot.under(10) {
            0 => Vec::new(),
            1 => lot
                .of(&["main", "instrumental", "tv", "mix", "wav24", "00", "a@b.example"])
                .as_bytes()
                .to_vec(),
            2 => "5a".repeat(32).into_bytes(),
            3 => "\u{202e}gnp.\u{1b}]0;x\u{7}".as_bytes().to_vec(),
            4 => "../../../etc/passwd\0".as_bytes().to_vec(),
            5 => "x".repeat(lot.under(20_000)).into_bytes(),
            // No UTF-8.
            6 => (0..lot.under(30)).map(|_| lot.next() as u8).collect(),
            7 => b"[[step]]\nkind = \"eq\"\n".to_vec(),
            8 => "\u{1f3b5}".repeat(lot.under(200)).into_bytes(),
            _ => format!("-{}e{}", lot.next(), lot.under(400)).into_bytes(),
        }
    }
}

struct Rig {
    house: House,
    contract: Contract,
    channel: Channel,
    tokens: [Option<String>; 3],
    /// Of somebody who may sign out.
    leaver: String,
    ids: Vec<String>,
    panics: Arc<AtomicU64>,
    codes: Mutex<BTreeMap<String, u64>>,
}

impl Rig {
    async fn open() -> Rig {
        let house = House::open().await;
        let owner = house.person("Ana Maia", true).await;
        let stranger = house.person("Sol Ek", false).await;
        let leaver = house.person("Lee Ver", false).await.token;
        let project = house.project(&owner).await;
        let song = deadwax_domain::SongId(uuid::Uuid::now_v7().as_u128());
        house
            .perform(
                &owner,
                project,
                Command::AddSong { song, title: "Night Drive".into(), isrc: String::new() },
            )
            .await;
        let panics = Arc::new(AtomicU64::new(0));
        let (count, before) = (panics.clone(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |about| {
            count.fetch_add(1, Ordering::SeqCst);
            before(about);
        }));
        Rig {
            channel: house.channel().await,
            contract: Contract::read(),
            tokens: [Some(owner.token.clone()), Some(stranger.token.clone()), None],
            leaver,
            ids: [project.0, song.0, owner.id.0].map(id_text).to_vec(),
            panics,
            codes: Mutex::default(),
            house,
        }
    }

    /// The messages of the `index`th call.
    fn drawn(&self, index: u64) -> (&Call, Option<&str>, Vec<Vec<u8>>) {
        let mut lot = Lot::new(seed(), "wire", index);
        // Perform has more in it than all others together.
        let perform = || self.contract.calls.iter().find(|it| it.path.ends_with("/Perform")).unwrap();
        let asked = if lot.one_in(3) { perform() } else { lot.of(&self.contract.calls) };
        let token = if lot.one_in(2) { &self.tokens[0] } else { lot.of(&self.tokens) };
        let many = if asked.sends_many { 1 + lot.under(3) } else { 1 };
        let messages = (0..many).map(|_| {
            let message = self.contract.message(&asked.input, &mut lot, &mut Anything { ids: &self.ids });
            if lot.one_in(2) { message } else { mutated(&message, &message, &mut lot) }
        });
        let messages = messages.collect();
        (asked, if asked.ends_access() { Some(&self.leaver) } else { token.as_deref() }, messages)
    }

    async fn one(&self, index: u64) {
        let (asked, token, messages) = self.drawn(index);
        let mut answer = call(self.channel.clone(), asked, token, messages.clone(), PATIENCE).await;
        for _ in 0..3 {
            if !answer.as_ref().is_err_and(hung_up) {
                break;
            }
            // The door hangs up on a line whose calls it turned away a thousand times: what was under way on it is asked again on another, and judged there.
            *self.codes.lock().unwrap().entry("HungUp".to_owned()).or_default() += 1;
            answer = call(self.house.channel().await, asked, token, messages.clone(), PATIENCE).await;
        }
        let code = answer.as_ref().map_or_else(|status| status.code(), |_| Code::Ok);
        let mut codes = self.codes.lock().unwrap();
        *codes.entry(format!("{code:?}")).or_default() += 1;
        if let Err(status) = answer
            && matches!(code, Code::Internal | Code::Unknown | Code::DataLoss)
            // tonic's own word for bytes that are no message.
            && !status.message().contains("failed to decode Protobuf message")
        {
            *codes
                .entry(format!("inner error of {} (lot {index}): {}", asked.path, status.message()))
                .or_default() += 1;
        }
    }
}

/// The line ended under the call: no server answered it.
fn hung_up(status: &tonic::Status) -> bool {
    ["transport error", "h2 protocol error"].iter().any(|begin| status.message().starts_with(begin))
}

fn memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) >> 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_messages_under_every_call_panic_nowhere() {
    let count = times(700, 10_000, 1_000_000);
    let rig = Arc::new(Rig::open().await);
    let before = memory_mib();
    let next = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (rig, next) = (rig.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    if index >= count {
                        break;
                    }
                    rig.one(index).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let after = memory_mib();
    // It serves on, whoever asks.
    let mut seat = rig.house.stranger().await;
    seat.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    seat.token = rig.tokens[0].clone().unwrap();
    let asked = seat.with(v1::WhoAmIRequest {});
    let lives = seat.sessions.who_am_i(asked).await.is_ok();
    let codes = rig.codes.lock().unwrap().clone();
    let inner: Vec<&String> = codes.keys().filter(|key| key.starts_with("inner error")).take(5).collect();
    let panics = rig.panics.load(Ordering::SeqCst);
    let told: Vec<String> =
        codes.iter().filter(|(key, _)| !key.contains(' ')).map(|(code, n)| format!("{code} {n}")).collect();
    let held = panics == 0 && inner.is_empty() && lives && after < MEMORY_MIB_MAX && codes.contains_key("Ok");
    let figures = format!(
        "{count} requests to {} calls, seed {}: {panics} panics, {} inner errors, memory {before} to {after} MiB ({}) {inner:?}",
        rig.contract.calls.len(),
        seed(),
        inner.len(),
        told.join(", ")
    );
    tell("G8w", held, &figures);
}
