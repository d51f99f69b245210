//! The approval of a record and its delivery. What is signed is quoted in full first: number, fingerprint, files, masters. Never here: how it is signed, who may.

use deadwax_proto::v1::{self, RecordRow, Role, action::Action};
use serde_json::json;

use super::{enter, show, told};
use crate::{
    cli::WhichRecord,
    net::new_id,
    receipt::approve::{What, Wish, of_record},
    verbs::{
        Context, VerbError,
        house::House,
        json as row_json,
        key::{self, Pen},
        rounds::{agree, own_role},
        words,
    },
};

pub async fn approve(
    c: &Context,
    (role, fingerprint): (Option<&str>, Option<&str>),
    (yes, no_key): (bool, bool),
    which: &WhichRecord,
) -> Result<(), VerbError> {
    let (client, house, at) = enter(c, which).await?;
    let row = &house.records[at];
    must_fit(row, fingerprint)?;
    crate::verbs::house::ask_allowed(&row.allowed, "approve_record")?;
    if of_record(row).own_fingerprint() != row.fingerprint {
        return Err(VerbError::no(
            "FINGERPRINT_DIFFERS",
            format!("Record {} has another fingerprint than its files have. Nothing was signed.", row.number),
            "Tell the studio: what it lists does not fit together.",
        ));
    }
    let asked: Vec<Role> = row.asked_roles().collect();
    let role = own_role(&house, role, &asked).map_err(said_as)?;
    c.out.aside(&show::head(&house, row));
    let who = &which.at.who;
    let pen = Pen::find(c, who, no_key)?;
    let question = format!(
        "Sign {} of Record {} as {}?",
        told::count(row.files.len(), "file", "files"),
        row.number,
        words::role(role as i32)
    );
    agree(c, &row.allowed, "approve_record", &question, yes).await?;
    let (approval_id, project_id) = (new_id(), house.project.project_id.clone());
    let (record_id, fingerprint) = (row.record_id.clone(), row.fingerprint.clone());
    let what = What::Record { record_id: record_id.clone(), fingerprint: fingerprint.clone() };
    let wish = Wish { project_id: project_id.clone(), what, role, approval_id: approval_id.clone() };
    let signed = pen.sign(c, who, &client, &wish).await?;
    let more = json!({
        "approval_id": approval_id, "record_id": record_id, "number": row.number, "role": words::role(role as i32),
        "fingerprint": fingerprint, "receipt": key::told(signed.as_ref()),
    });
    if let Some(signed) = signed {
        return c.tell(&signed.answer, more);
    }
    let action = Action::ApproveRecord(v1::ApproveRecord {
        approval_id,
        record_id,
        role: role.into(),
        fingerprint,
        receipt: None,
    });
    let done = client.perform(&project_id, action).await.map_err(key::with_the_key_hint)?;
    c.tell(&done, more)
}

/// The word for the role is another one here.
fn said_as(error: VerbError) -> VerbError {
    match error {
        VerbError::Usage(text) => VerbError::Usage(text.replace("--role", "--as")),
        other => other,
    }
}

/// A script that knows which bytes it means says so.
fn must_fit(row: &RecordRow, said: Option<&str>) -> Result<(), VerbError> {
    let Some(said) = said else { return Ok(()) };
    let digits = said.trim().to_ascii_lowercase();
    if digits.len() < 8 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(VerbError::Usage(format!(
            "{said:?} is no fingerprint; write 8 of its hex digits or more"
        )));
    }
    if row.fingerprint.starts_with(&digits) {
        return Ok(());
    }
    Err(VerbError::no(
        "FINGERPRINT_DIFFERS",
        format!(
            "Record {} has the fingerprint {}. Nothing was signed.",
            row.number,
            words::short(&row.fingerprint)
        ),
        "Look at it with `deadwax record show N`, then decide.",
    ))
}

pub async fn deliver(c: &Context, yes: bool, which: &WhichRecord) -> Result<(), VerbError> {
    let (client, house, at) = enter(c, which).await?;
    let row = &house.records[at];
    let question = format!(
        "Deliver Record {} ({}, fingerprint {})? It is frozen then.",
        row.number,
        told::count(row.files.len(), "file", "files"),
        words::short(&row.fingerprint)
    );
    for it in &row.cautions {
        c.out.aside(&format!("! {it}"));
    }
    agree(c, &row.allowed, "deliver_record", &question, yes).await?;
    let (record_id, number) = (row.record_id.clone(), row.number);
    let action = Action::DeliverRecord(v1::DeliverRecord { record_id: record_id.clone() });
    let project_id = &house.project.project_id;
    let done = client.perform(project_id, action).await?;
    let after = House::fetch(&client, project_id).await?;
    let now = after.records.iter().find(|it| it.record_id == record_id).map(row_json::record);
    c.tell(&done, json!({ "record_id": record_id, "number": number, "record": now }))?;
    c.out.text(&format!("Fetch it with `deadwax record fetch {number} --to DIR`."))
}
