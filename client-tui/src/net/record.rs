//! A record and its files: the profiles it can be made for, the dry run, the progress that survives cuts, and the bytes. What comes is scrubbed as it is decoded;
//! bytes come as they are, and the caller holds them to their digest. Never here: where a file is put, what may be asked.

use std::{io::Write, time::Duration};

use deadwax_proto::v1::{self, records_client::RecordsClient};
use futures::{Stream, StreamExt as _};

use super::{
    ANSWER_BYTES_MAX, CALL_TIMEOUT, Client, Followed, NetError, QUESTION_BYTES_MAX, Wire, follow::run,
};

/// The studio lays out every file of a long record for many profiles.
const PLAN_TIMEOUT: Duration = Duration::from_secs(120);

impl Client {
    /// The generated client: answers come unscrubbed. Prefer the methods of `Client`.
    pub fn record_files(&self) -> RecordsClient<Wire> {
        RecordsClient::new(self.wire.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(QUESTION_BYTES_MAX)
    }

    /// What a record can be made for.
    pub async fn list_profiles(&self) -> Result<Vec<v1::ProfileInfo>, NetError> {
        let answer: v1::ListProfilesResponse = self
            .again(|| async { self.record_files().list_profiles(v1::ListProfilesRequest {}).await })
            .await?;
        Ok(answer.profiles)
    }

    /// The dry run: every file, and what the checks say of it. Nothing is made.
    pub async fn plan_record(&self, asked: v1::PlanRequest) -> Result<v1::PlanResponse, NetError> {
        self.within(PLAN_TIMEOUT, || async { self.record_files().plan(asked.clone()).await }).await
    }

    /// Any record with all its files; rows carry those of the newest ones alone.
    pub async fn get_record(&self, project_id: &str, record_id: &str) -> Result<v1::RecordRow, NetError> {
        let answer: v1::GetRecordResponse = self
            .again(|| async {
                let asked = v1::GetRecordRequest {
                    project_id: project_id.to_owned(),
                    record_id: record_id.to_owned(),
                };
                self.record_files().get_record(asked).await
            })
            .await?;
        let odd = || NetError::Odd("another record came than was asked for".into());
        answer.record.filter(|it| it.record_id == record_id).ok_or_else(odd)
    }

    /// What was measured and found when its files were made, as JSON.
    pub async fn record_report(&self, project_id: &str, record_id: &str) -> Result<String, NetError> {
        let answer: v1::GetReportResponse = self
            .again(|| async {
                let asked = v1::GetReportRequest {
                    project_id: project_id.to_owned(),
                    record_id: record_id.to_owned(),
                };
                self.record_files().get_report(asked).await
            })
            .await?;
        Ok(answer.report_json)
    }

    /// Writes one file of a record, from `offset` on, and answers its size. The caller checks the digest.
    pub async fn fetch_of_record(
        &self,
        project_id: &str,
        record_id: &str,
        sha256: &str,
        offset: u64,
        out: &mut (impl Write + Send),
        progress: &(impl Fn(u64, u64) + Sync),
    ) -> Result<u64, NetError> {
        let request = v1::FetchRequest {
            project_id: project_id.to_owned(),
            record_id: record_id.to_owned(),
            sha256: sha256.to_owned(),
            offset,
            limit: 0,
        };
        let open = || async { self.record_files().fetch(request.clone()).await };
        let opened = self.admitted(CALL_TIMEOUT, open).await?;
        self.pour(opened, offset, out, progress).await
    }
}

/// How far a record is, until it ended. A cut is told and the stream opened again; after the last word of the studio nothing comes any more.
pub fn follow_record(
    client: Client,
    project_id: String,
    record_id: String,
) -> impl Stream<Item = Followed<v1::RecordProgress>> + Send + 'static {
    let url = client.url().to_owned();
    let open = move |_| {
        let client = client.clone();
        let asked = v1::WatchRecordRequest { project_id: project_id.clone(), record_id: record_id.clone() };
        async move {
            let opened = client.record_files().watch_record(asked).await;
            opened.map(|r| r.into_inner()).map_err(|s| client.fault(&s))
        }
    };
    let heard = run(url, open, 0, |_: &v1::RecordProgress, _: &mut u64| true);
    heard.scan(false, |ended, item| {
        let before = *ended;
        *ended |= matches!(&item, Followed::Row(progress) if progress.ended);
        std::future::ready((!before).then_some(item))
    })
}
