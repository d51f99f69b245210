//! What was played is reported over the wire: kept for the gate of that project, told to the ledger at marks only, and nobody else's business.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
#[allow(dead_code)]
mod media_kit;

use common::*;
use deadwax_domain::{Command, ProjectId, Role, VersionId};
use deadwax_proto::v1;
use media_kit::*;
use tonic::Status;

/// The file that stands for a song lasts one second.
async fn report(
    seat: &mut Seat,
    (project, version): (ProjectId, VersionId),
    ranges: &[(u64, u64)],
) -> Result<u32, Status> {
    let range = |(start_ms, end_ms): &(u64, u64)| v1::HeardRange { start_ms: *start_ms, end_ms: *end_ms };
    let asked = seat.with(v1::ReportHeardRequest {
        project_id: id_text(project.0),
        version_id: id_text(version.0),
        alternate: String::new(),
        ranges: ranges.iter().map(range).collect(),
    });
    Ok(seat.media.report_heard(asked).await?.into_inner().percent)
}

async fn told(house: &House, project: ProjectId) -> (u64, Vec<u32>) {
    let now = house.studio.ledger.project(project).await.unwrap().unwrap();
    (now.seq, now.project.heard.values().copied().collect())
}

#[tokio::test]
async fn seconds_add_up_and_the_ledger_learns_of_marks_only() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let of = take(&house, &mut ana, &tone(500)).await;
    let (before, _) = told(&house, of.0).await;
    assert_eq!(report(&mut ana, of, &[]).await.unwrap(), 0);
    assert_eq!(told(&house, of.0).await, (before, vec![]), "no mark was passed");
    assert_eq!(report(&mut ana, of, &[(0, 300)]).await.unwrap(), 30);
    assert_eq!(report(&mut ana, of, &[(0, 300), (100, 250)]).await.unwrap(), 30);
    assert_eq!(told(&house, of.0).await, (before + 1, vec![30]), "a tenth is a mark");
    assert_eq!(report(&mut ana, of, &[(300, 900)]).await.unwrap(), 90);
    assert_eq!(report(&mut ana, of, &[(900, 1000)]).await.unwrap(), 100);
    assert_eq!(report(&mut ana, of, &[(0, 1000)]).await.unwrap(), 100);
    assert_eq!(told(&house, of.0).await, (before + 3, vec![100]));
}

#[tokio::test]
async fn each_hears_for_themselves_and_a_stranger_hears_nothing() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let mut teo = house.person("Teo", false).await;
    let mut eva = house.person("Eva", false).await;
    let of = take(&house, &mut ana, &tone(500)).await;
    let roles = [Role::Listener].into();
    house.perform(&ana, of.0, Command::AddMember { person: teo.id, roles }).await;
    assert_eq!(report(&mut ana, of, &[(0, 1000)]).await.unwrap(), 100);
    assert_eq!(report(&mut teo, of, &[(0, 100)]).await.unwrap(), 10, "nobody listens for another");
    refused(report(&mut eva, of, &[(0, 100)]).await, "NO_SUCH_PROJECT");
}

#[tokio::test]
async fn what_cannot_have_been_played_is_refused() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let of = take(&house, &mut ana, &tone(500)).await;
    for range in [(10, 10), (20, 10), (0, 1001), (u64::MAX - 1, u64::MAX)] {
        refused(report(&mut ana, of, &[range]).await, "RANGE_INVALID");
    }
    refused(report(&mut ana, of, &vec![(0, 1); 1001]).await, "RANGE_INVALID");
    refused(report(&mut ana, (of.0, VersionId(77)), &[(0, 1)]).await, "NO_SUCH_VERSION");
    let asked = ana.with(v1::ReportHeardRequest {
        project_id: id_text(of.0.0),
        version_id: id_text(of.1.0),
        alternate: "tv".into(),
        ranges: vec![v1::HeardRange { start_ms: 0, end_ms: 1 }],
    });
    refused(ana.media.report_heard(asked).await, "NO_SUCH_FILE");
    assert_eq!(report(&mut ana, of, &[]).await.unwrap(), 0);
}
