//! Verbs of the record: what it can be made for, the dry run, making it, signing it, its files. What may be asked and when only the server says. Never here: how
//! any of it is done, screens.

mod ask;
pub(crate) mod balance;
mod fetch;
pub(crate) mod files;
mod make;
mod manifest;
pub(crate) mod report;
mod show;
mod sign;
mod strangers;
pub(crate) mod told;

use deadwax_proto::v1::RecordRow;

pub(crate) use self::ask::own_profile;
use super::{Context, VerbError, house::House};
use crate::{
    cli::{RecordVerb, WhichRecord},
    net::Client,
};

pub async fn record(c: &Context, verb: RecordVerb) -> Result<(), VerbError> {
    match verb {
        RecordVerb::Profiles { name, who } => show::profiles(c, name.as_deref(), &who).await,
        RecordVerb::Plan { asked, at } => make::plan(c, &asked, &at).await,
        RecordVerb::Start { asked, watch, yes, at } => make::start(c, &asked, (watch, yes), &at).await,
        RecordVerb::Watch { which } => make::watch(c, &which).await,
        RecordVerb::Cancel { which } => make::cancel(c, &which).await,
        RecordVerb::Show { report: true, which } => show::report(c, &which).await,
        RecordVerb::Show { report: false, which } => show::show(c, &which).await,
        RecordVerb::Approve { role, fingerprint, yes, no_key, which } => {
            sign::approve(c, (role.as_deref(), fingerprint.as_deref()), (yes, no_key), &which).await
        }
        RecordVerb::Deliver { yes, which } => sign::deliver(c, yes, &which).await,
        RecordVerb::Fetch(asked) => fetch::fetch(c, asked).await,
    }
}

/// A client, the project, and where the record that is meant stands in its list.
async fn enter(c: &Context, which: &WhichRecord) -> Result<(Client, House, usize), VerbError> {
    let client = c.client(&which.at.who).await?;
    let mut house = House::find(&client, which.at.project.as_deref()).await?;
    let at = find(&house, which.number.as_deref())?;
    if !told::is_whole(&house.records[at]) {
        let record_id = &house.records[at].record_id;
        house.records[at] = client.get_record(&house.project.project_id, record_id).await?;
    }
    Ok((client, house, at))
}

/// "2", "Record 2", "record/2"; without a word the newest.
fn find(house: &House, wanted: Option<&str>) -> Result<usize, VerbError> {
    let none = || {
        VerbError::no(
            "NO_SUCH_RECORD",
            format!("{} has no record yet.", house.project.title),
            "See what one would be with `deadwax record plan --for NAME`.",
        )
    };
    let Some(wanted) = wanted else { return house.records.len().checked_sub(1).ok_or_else(none) };
    if house.records.is_empty() {
        return Err(none());
    }
    let text = wanted.trim().to_ascii_lowercase();
    let digits = text.trim_start_matches("record").trim_start_matches([' ', '/', '#', '-']);
    let number: Option<u32> = digits.parse().ok();
    let by_id = |it: &RecordRow| it.record_id == wanted.trim();
    let found = house.records.iter().position(|it| Some(it.number) == number || by_id(it));
    found.ok_or_else(|| {
        let newest = house.records.last().map_or(0, |it| it.number);
        VerbError::Usage(format!("there is no record {wanted:?}; they are numbered from 1 to {newest}"))
    })
}
