//! Deliveries: the frozen list of exactly the bytes signed (P-5).

use crate::{
    Actor, Command, DeliveryId, Digest, Fact, File, PersonId, Project, Reason, Refusal, Role, SongId, Stage,
    Time, VersionId,
    asker::{Asker, free_id},
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub song: SongId,
    pub version: VersionId,
    pub fingerprint: Digest,
    pub files: Vec<File>,
    pub by: Option<PersonId>,
    pub at: Time,
    pub manifest_json: String,
}

/// Once per signed file set: a second delivery could only say the same.
pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let Command::MakeDelivery { delivery, song, manifest_json } = command else { return misrouted() };
    let asker = Asker::of(project, actor)?;
    asker.must_hold(&[Role::Manager, Role::Label, Role::MasteringEngineer], "make a delivery")?;
    let of = asker.song(*song)?;
    let signed = project.candidate(*song).filter(|_| of.stage == Stage::Delivered);
    let Some(master) = signed else {
        let text = format!("\"{}\" stands in {}; its master is not signed yet.", of.title, of.stage);
        return no(Reason::NotDeliveredYet, text, "The gate of mastering comes first.");
    };
    if project.deliveries_of(*song).any(|made| made.fingerprint == master.fingerprint) {
        let text = format!("{} of \"{}\" was delivered already.", master.name(), of.title);
        return no(Reason::DeliveredAlready, text, "Fetch the delivery that was made.");
    }
    free_id(project.deliveries.contains(*delivery))?;
    if manifest_json.len() > limits::MANIFEST_BYTES_MAX {
        let text = format!("The manifest has {} bytes.", manifest_json.len());
        return no(Reason::LimitReached, text, "Deliver fewer files, or shorten their names.");
    }
    Ok(Ruling::fact(Fact::DeliveryMade {
        delivery: *delivery,
        song: *song,
        version: master.id,
        fingerprint: master.fingerprint,
        files: master.files.clone(),
        manifest_json: manifest_json.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn deliver(id: u128) -> Command {
        Command::MakeDelivery { delivery: DeliveryId(id), song: SONG, manifest_json: "{}".to_owned() }
    }

    #[test]
    fn p5_a_delivery_lists_exactly_the_bytes_signed() {
        let given = Given::delivered();
        let events = given.when(person(LABEL), deliver(1)).facts(&["DELIVERY_MADE"]);
        let Fact::DeliveryMade { files, fingerprint, .. } = &events[0].fact else { panic!("not a delivery") };
        let master = given.project.candidate(SONG).unwrap();
        assert_eq!((files, fingerprint), (&master.files, &master.fingerprint));
        assert_eq!(crate::fingerprint(files), *fingerprint);
    }

    #[test]
    fn nothing_is_delivered_before_the_signature_nor_twice() {
        Given::mastered().when(person(LABEL), deliver(1)).refused(Reason::NotDeliveredYet);
        let given = Given::delivered();
        given.when(person(ARTIST), deliver(1)).refused(Reason::NotYourRole);
        given
            .and(person(OWNER), deliver(1))
            .when(person(OWNER), deliver(2))
            .refused(Reason::DeliveredAlready);
    }
}
