//! The fake's book of receipts: it takes keys and statements without asking, keeps a chain list and signs it. What a test tells it to do wrong, it does.

use deadwax_proto::v1::{self, action::Action, records_server, row::Row};
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};
use tonic::{Code, Request, Response, Status, Streaming};

use super::{Answers, Fake, none, refusal};

pub struct Book {
    pub project: String,
    pub person: String,
    pub keys: Vec<v1::KeyView>,
    pub enrolled: Vec<v1::EnrolKey>,
    pub receipts: Vec<v1::Receipt>,
    /// Lines of the chain list.
    pub lines: Vec<String>,
    pub studio: PrivateKey,
    /// So many statements come in between before one is taken.
    pub stale: usize,
    /// What is signed is taken and not written down.
    pub forgets: bool,
    pub evidence: Vec<u8>,
    pub no_chain: bool,
}

fn sha(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes.as_ref()))
}

impl Book {
    pub fn new(project: &str, person: &str) -> Book {
        let mut book = Book {
            project: project.into(),
            person: person.into(),
            keys: Vec::new(),
            enrolled: Vec::new(),
            receipts: Vec::new(),
            lines: Vec::new(),
            studio: PrivateKey::from(Ed25519Keypair::from_seed(&[9; 32])),
            stale: 0,
            forgets: false,
            evidence: Vec::new(),
            no_chain: false,
        };
        book.happens(None);
        book
    }

    pub fn happens(&mut self, statement: Option<&str>) {
        let seq = self.lines.len() + 1;
        let mut line = format!("{seq} {}", sha(format!("entry {seq}")));
        if let Some(statement) = statement {
            line += &format!(" {}", sha(statement));
        }
        self.lines.push(line);
    }

    fn list(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn head(&self) -> v1::ReceiptHead {
        let last = self.receipts.last().map_or("0".repeat(64), |it| sha(&it.statement));
        v1::ReceiptHead { sequence: self.receipts.len() as u32, statement_sha256: last }
    }

    pub fn checkpoint(&self) -> v1::Checkpoint {
        let list = self.list();
        let last =
            self.lines.iter().rev().find_map(|it| it.split(' ').nth(2)).map_or("0".repeat(64), str::to_owned);
        let text = format!(
            "deadwax-checkpoint/1\nstudio: House\nproject: {}\nentries: {}\nchain-sha256: {}\nreceipts: {}\nlast-statement: {last}\ntime: 2026-11-21T20:31:00Z\n",
            self.project,
            self.lines.len(),
            sha(&list),
            self.lines.iter().filter(|it| it.split(' ').count() == 3).count(),
        );
        let signature = self.studio.sign("checkpoint@deadwax", HashAlg::Sha512, text.as_bytes()).unwrap();
        v1::Checkpoint {
            text,
            signature: signature.to_pem(LineEnding::LF).unwrap(),
            public_key: self.studio.public_key().to_openssh().unwrap(),
        }
    }

    /// Commands that are about keys and receipts.
    pub fn take(&mut self, action: Option<&Action>) -> Option<Result<v1::PerformResponse, Status>> {
        let receipt = match action? {
            Action::EnrolKey(it) => {
                let key = ssh_key::PublicKey::from_openssh(&it.public_key).unwrap();
                self.keys.push(v1::KeyView {
                    fingerprint: sha(key.to_bytes().unwrap()),
                    public_key: it.public_key.clone(),
                    enrolled_ms: 1_795_292_100_000,
                    ..v1::KeyView::default()
                });
                self.enrolled.push(it.clone());
                self.happens(None);
                return Some(Ok(done("The key was enrolled.")));
            }
            Action::RevokeKey(it) => {
                let key = self.keys.iter_mut().find(|key| key.fingerprint == it.fingerprint)?;
                key.revoked_ms = 1_795_292_200_000;
                key.reason.clone_from(&it.reason);
                key.revoked_by = "Ana".into();
                self.happens(None);
                return Some(Ok(done("The key was revoked.")));
            }
            Action::Approve(it) => it.receipt.clone(),
            Action::ApproveSpacing(it) => it.receipt.clone(),
            Action::ApproveRecord(it) => it.receipt.clone(),
            _ => return None,
        };
        let Some(receipt) = receipt else {
            return Some(Err(refusal(
                Code::FailedPrecondition,
                "NOT_SIGNED",
                "The gate asks for a receipt.",
                "",
            )));
        };
        if self.stale > 0 {
            self.stale -= 1;
            let other =
                v1::Receipt { statement: format!("another {}", self.stale), ..v1::Receipt::default() };
            self.happens(Some(&other.statement));
            self.receipts.push(other);
            return Some(Err(refusal(
                Code::FailedPrecondition,
                "STATEMENT_STALE",
                "Another came in between.",
                "Sign again.",
            )));
        }
        if !self.forgets {
            self.happens(Some(&receipt.statement));
        }
        self.receipts.push(receipt);
        Some(Ok(done("Approved.")))
    }

    pub fn write_into(&self, rows: &mut [v1::Row]) {
        for row in rows.iter_mut().filter_map(|it| it.row.as_mut()) {
            match row {
                Row::Project(project) => project.receipts = Some(self.head()),
                Row::Member(member) if member.person_id == self.person => member.keys.clone_from(&self.keys),
                _ => {}
            }
        }
    }
}

fn done(text: &str) -> v1::PerformResponse {
    v1::PerformResponse { first_seq: 1, seq: 1, effects: vec![text.into()] }
}

#[tonic::async_trait]
impl records_server::Records for Fake {
    async fn list_profiles(
        &self,
        _: Request<v1::ListProfilesRequest>,
    ) -> Result<Response<v1::ListProfilesResponse>, Status> {
        Ok(Response::new(v1::ListProfilesResponse { profiles: self.seen().profiles.clone() }))
    }
    async fn plan(&self, request: Request<v1::PlanRequest>) -> Result<Response<v1::PlanResponse>, Status> {
        let mut seen = self.seen();
        seen.plans.push(request.into_inner());
        seen.plan.clone().map(Response::new).ok_or_else(|| {
            refusal(
                Code::InvalidArgument,
                "PROFILE_INVALID",
                "There is no profile \"cdd\"; did you mean \"cd\"?",
                "Name one.",
            )
        })
    }
    async fn get_record(
        &self,
        request: Request<v1::GetRecordRequest>,
    ) -> Result<Response<v1::GetRecordResponse>, Status> {
        let id = request.into_inner().record_id;
        let mut seen = self.seen();
        seen.records_asked.push(id.clone());
        let known = seen.whole.iter().find(|it| it.record_id == id).cloned();
        let none = || refusal(Code::NotFound, "NO_SUCH_RECORD", "No such record.", "");
        known.map(|it| Response::new(v1::GetRecordResponse { record: Some(it) })).ok_or_else(none)
    }
    async fn get_report(
        &self,
        request: Request<v1::GetReportRequest>,
    ) -> Result<Response<v1::GetReportResponse>, Status> {
        let id = request.into_inner().record_id;
        let known = self.seen().reports.get(&id).cloned();
        let none = || {
            refusal(
                Code::FailedPrecondition,
                "RECORD_NOT_MADE",
                "Record 2 is not made: there is no report.",
                "",
            )
        };
        known.map(|report_json| Response::new(v1::GetReportResponse { report_json })).ok_or_else(none)
    }
    type WatchRecordStream = Answers<v1::RecordProgress>;
    async fn watch_record(
        &self,
        _: Request<v1::WatchRecordRequest>,
    ) -> Result<Response<Self::WatchRecordStream>, Status> {
        let Some((items, rows)) = self.seen().progress.pop_front() else {
            return Err(refusal(Code::NotFound, "NO_SUCH_RECORD", "No such record.", ""));
        };
        if items.is_empty() {
            return Ok(Response::new(futures::stream::pending().boxed()));
        }
        let fake = self.clone();
        // The rows stand before the last word is told.
        let last = items.len() - 1;
        let told = futures::stream::iter(items.into_iter().enumerate()).map(move |(at, item)| {
            if at == last && !rows.is_empty() {
                fake.seen().rows.clone_from(&rows);
            }
            item
        });
        Ok(Response::new(told.boxed()))
    }
    type FetchStream = Answers<v1::DownloadChunk>;
    async fn fetch(&self, request: Request<v1::FetchRequest>) -> Result<Response<Self::FetchStream>, Status> {
        let request = request.into_inner();
        self.stretch(false, request.sha256, request.offset, request.limit)
    }
    async fn put_cover(
        &self,
        request: Request<Streaming<v1::PutCoverRequest>>,
    ) -> Result<Response<v1::PutCoverResponse>, Status> {
        let mut sent = request.into_inner();
        let (mut command, mut bytes) = (String::new(), Vec::new());
        while let Some(part) = sent.message().await? {
            command += &part.command_id;
            bytes.extend_from_slice(&part.data);
        }
        let mut seen = self.seen();
        seen.covers_put.push((command, bytes.clone()));
        if seen.lose_answers > 0 {
            seen.lose_answers -= 1;
            return Err(Status::unavailable("the line broke"));
        }
        if let Some([reason, text, hint]) = seen.refuse.take() {
            return Err(refusal(Code::InvalidArgument, reason, text, hint));
        }
        let (bytes, mime) = (bytes.len() as u64, "image/png\x1b[2J".to_owned());
        let cover = v1::Cover { sha256: sha(b""), bytes, mime, width: 3000, height: 3000 };
        let effects = vec!["Lena set the cover.\u{9b}31m".to_owned()];
        Ok(Response::new(v1::PutCoverResponse { cover: Some(cover), seq: 7, effects }))
    }
    type GetCoverStream = Answers<v1::CoverChunk>;
    async fn get_cover(
        &self,
        _: Request<v1::GetCoverRequest>,
    ) -> Result<Response<Self::GetCoverStream>, Status> {
        let seen = self.seen();
        let Some((cover, bytes)) = seen.cover.clone() else {
            return Err(refusal(Code::FailedPrecondition, "NO_COVER", "The record has no cover yet.", ""));
        };
        let head = v1::CoverChunk { cover: Some(cover), data: Vec::new().into() };
        let body = bytes.chunks(1000).map(|it| v1::CoverChunk { cover: None, data: it.to_vec().into() });
        let all: Vec<_> = std::iter::once(head).chain(body).map(Ok).collect();
        Ok(Response::new(futures::stream::iter(all).boxed()))
    }
    type GetChainStream = Answers<v1::ChainChunk>;
    async fn get_chain(
        &self,
        request: Request<v1::GetChainRequest>,
    ) -> Result<Response<Self::GetChainStream>, Status> {
        let from = request.into_inner().from_line as usize;
        let seen = self.seen();
        let Some(book) = seen.book.as_ref().filter(|it| !it.no_chain) else { return none() };
        let mut chunks =
            vec![Ok(v1::ChainChunk { checkpoint: Some(book.checkpoint()), lines: String::new() })];
        for lines in book.lines.get(from..).unwrap_or_default().chunks(2) {
            let lines = lines.iter().map(|it| format!("{it}\n")).collect();
            chunks.push(Ok(v1::ChainChunk { checkpoint: None, lines }));
        }
        Ok(Response::new(futures::stream::iter(chunks).boxed()))
    }
    type GetEvidenceStream = Answers<v1::EvidenceChunk>;
    async fn get_evidence(
        &self,
        _: Request<v1::GetEvidenceRequest>,
    ) -> Result<Response<Self::GetEvidenceStream>, Status> {
        let bytes = self.seen().book.as_ref().map(|it| it.evidence.clone()).unwrap_or_default();
        if bytes.is_empty() {
            return Err(refusal(Code::FailedPrecondition, "NO_RECEIPTS", "Nothing was signed.", ""));
        }
        let total_bytes = bytes.len() as u64;
        let chunks: Vec<_> = bytes
            .chunks(1000)
            .map(|it| {
                Ok(v1::EvidenceChunk { name: "../../x.zip".into(), total_bytes, data: it.to_vec().into() })
            })
            .collect();
        Ok(Response::new(futures::stream::iter(chunks).boxed()))
    }
}
