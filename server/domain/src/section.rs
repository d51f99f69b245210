//! Sections: where the parts of a song begin in a version, and where they stand in the versions after it. Set for one version, shown in every later one
//! that has none of its own, moved as the examinations say that its sound was. Never here: how the sound is compared.

use std::collections::BTreeSet;

use crate::{
    Actor, Fact, PersonId, Project, Reason, Refusal, Role, Stretch, Version, VersionId, VersionKind,
    asker::Asker,
    audience,
    decide::Ruling,
    limits,
    note::{self, clock},
    refusal::no,
    text,
};

/// Who may say where a part begins: whoever works on the record.
pub const MARKERS: [Role; 6] =
    [Role::Artist, Role::Producer, Role::MixEngineer, Role::MasteringEngineer, Role::Label, Role::Manager];
pub const NAME_CHARS_MAX: usize = 60;
/// How many versions a section is carried over at most.
const WAY_MAX: usize = 200;

/// Where a part of the song begins; it lasts until the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub start_ms: u64,
    pub name: String,
}

pub(crate) fn rule(
    project: &Project,
    actor: &Actor,
    version: VersionId,
    sections: &[Section],
) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    asker.must_hold(&MARKERS, "mark the sections of a song")?;
    let version = asker.version(version)?;
    limits::at_most(sections.len(), limits::SECTIONS_MAX, "sections")?;
    let sections = sound(version, sections)?;
    if project.sections.get(version.id).map_or(&[][..], Vec::as_slice) == sections {
        let text = format!("The sections of {} are these already.", version.name());
        return no(Reason::NothingToChange, text, "There is nothing to do.");
    }
    Ok(Ruling::fact(Fact::SectionsSet { version: version.id, sections }))
}

/// In the order of the song, with names that can be shown.
fn sound(version: &Version, given: &[Section]) -> Result<Vec<Section>, Refusal> {
    let mut sections = Vec::with_capacity(given.len());
    for section in given {
        let name = text::name("The name of a section", &section.name)?;
        let chars = name.chars().count();
        if chars > NAME_CHARS_MAX {
            let text = format!("The name of a section has {chars} characters; {NAME_CHARS_MAX} are allowed.");
            return no(Reason::NameInvalid, text, "Shorten it.");
        }
        sections.push(Section { start_ms: section.start_ms, name });
    }
    sections.sort_by_key(|section| section.start_ms);
    let end_ms = end_ms(version);
    if let Some(last) = sections.last().filter(|last| last.start_ms >= end_ms) {
        let at = clock(last.start_ms);
        let text = format!("A section cannot begin at {at}: {} ends at {}.", version.name(), clock(end_ms));
        return no(Reason::RuleInvalid, text, "Take it away, or put it before the end.");
    }
    let twice = sections.windows(2).find(|two| two[0].start_ms == two[1].start_ms);
    if let Some(two) = twice {
        let text = format!("Two sections begin at {}.", clock(two[0].start_ms));
        return no(Reason::RuleInvalid, text, "Put one of them elsewhere, or take it away.");
    }
    Ok(sections)
}

fn end_ms(version: &Version) -> u64 {
    version.main().map_or(0, |main| note::length_ms(&main.facts))
}

impl Project {
    /// What this version shows to this person: its own sections, else those of the newest version before it that has some and that they may know of.
    pub fn sections_in(&self, version: &Version, person: PersonId) -> Vec<Section> {
        if let Some(own) = self.sections.get(version.id) {
            return own.clone();
        }
        if self.sections.is_empty() {
            return Vec::new();
        }
        let before = self.versions_of(version.song).rev().skip_while(|other| other.id != version.id).skip(1);
        let known = |other: &&Version| {
            self.sections.contains(other.id) && audience::sees_version(self, person, other)
        };
        let Some(from) = before.into_iter().find(known) else { return Vec::new() };
        let own = self.sections.get(from.id).cloned().unwrap_or_default();
        let mut shown = own;
        for step in self.way(version, from.id, WAY_MAX).unwrap_or_default() {
            shown = carried(&shown, step);
        }
        let end_ms = end_ms(version);
        shown.retain(|section| section.start_ms < end_ms);
        shown
    }

    /// What happened to the sound from one version to a later one, oldest first. `None`: they were never compared, directly or over others.
    fn way(&self, to: &Version, from: VersionId, steps: usize) -> Option<Vec<&[Stretch]>> {
        if to.id == from {
            return Some(Vec::new());
        }
        let fewer = steps.checked_sub(1)?;
        // A master runs as its mix does.
        if let Some(mut way) = self.mix_of(to).and_then(|mix| self.way(mix, from, fewer)) {
            way.push(&[]);
            return Some(way);
        }
        let examined = self.examinations.get(to.id)?;
        let against = self.versions.get(examined.against?)?;
        let mut way = self.way(against, from, fewer)?;
        way.push(&examined.stretches);
        Some(way)
    }

    /// What a master was made of.
    fn mix_of(&self, master: &Version) -> Option<&Version> {
        if master.kind != VersionKind::Master {
            return None;
        }
        let rendered = master.render.and_then(|render| self.renders.get(render)).map(|render| render.version);
        let handed = || self.songs.get(master.song)?.handoff.as_ref().map(|handoff| handoff.version);
        let mix = self.versions.get(rendered.or_else(handed)?)?;
        (mix.kind != VersionKind::Master && mix.at <= master.at).then_some(mix)
    }
}

/// Where the sections stand once the sound was edited. One of which nothing is left is gone; one whose beginning was cut begins with what is left of it.
fn carried(sections: &[Section], stretches: &[Stretch]) -> Vec<Section> {
    if stretches.is_empty() {
        return sections.to_vec();
    }
    let ends = sections.iter().skip(1).map(|next| next.start_ms).chain([u64::MAX]);
    let moved = sections.iter().zip(ends).filter_map(|(section, end_ms)| {
        let within = |it: &&Stretch| it.was_ms <= section.start_ms && section.start_ms < it.was_end_ms;
        let later = |it: &&Stretch| section.start_ms < it.was_ms && it.was_ms < end_ms;
        let start_ms = match stretches.iter().find(within) {
            Some(stretch) => stretch.at(section.start_ms),
            None => stretches.iter().filter(later).min_by_key(|it| it.was_ms)?.is_ms,
        };
        Some(Section { start_ms, name: section.name.clone() })
    });
    let mut moved: Vec<Section> = moved.collect();
    moved.sort_by_key(|section| section.start_ms);
    let mut taken = BTreeSet::new();
    moved.retain(|section| taken.insert(section.start_ms));
    moved
}

impl Stretch {
    /// The moment of the newer version that is this moment of the older one, which lies within.
    fn at(&self, was_ms: u64) -> u64 {
        let (was, is) =
            (self.was_end_ms.saturating_sub(self.was_ms), self.is_end_ms.saturating_sub(self.is_ms));
        let into = u128::from(was_ms.saturating_sub(self.was_ms));
        let scaled = into * u128::from(is) / u128::from(was.max(1));
        self.is_ms.saturating_add(u64::try_from(scaled).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Alternate, Command, Examined, Time, dry, testing::*};

    fn at(start_ms: u64, name: &str) -> Section {
        Section { start_ms, name: name.to_owned() }
    }

    fn set(version: u128, sections: &[(u64, &str)]) -> Command {
        let sections = sections.iter().map(|(start_ms, name)| at(*start_ms, name)).collect();
        Command::SetSections { version: VersionId(version), sections }
    }

    fn shown(given: &Given, version: u128, who: PersonId) -> Vec<(u64, String)> {
        let version = given.project.versions.get(VersionId(version)).unwrap();
        let sections = given.project.sections_in(version, who);
        sections.into_iter().map(|section| (section.start_ms, section.name)).collect()
    }

    fn told(sections: &[(u64, &str)]) -> Vec<(u64, String)> {
        sections.iter().map(|(at, name)| (*at, (*name).to_owned())).collect()
    }

    #[test]
    fn sections_are_sorted_and_lie_within_the_song() {
        let given = Given::mixed();
        let refused = |sections: &[(u64, &str)], reason| {
            given.when(person(ARTIST), set(10, sections)).refused(reason);
        };
        refused(&[(0, "Intro"), (100_000, "Outro")], Reason::RuleInvalid);
        refused(&[(5, "A"), (0, "Intro"), (5, "B")], Reason::RuleInvalid);
        refused(&[(0, " ")], Reason::TextEmpty);
        refused(&[(0, "In\u{202E}tro")], Reason::NameInvalid);
        refused(&[(0, &"x".repeat(61))], Reason::NameInvalid);
        refused(&[], Reason::NothingToChange);
        let many: Vec<(u64, &str)> = (0..65).map(|at| (at, "x")).collect();
        refused(&many, Reason::LimitReached);
        given.when(person(ARTIST), set(10, &many[..64])).facts(&["SECTIONS_SET"]);
        given.when(person(LISTENER), set(10, &[(0, "Intro")])).refused(Reason::NotYourRole);
        given.when(person(ARTIST), set(99, &[(0, "Intro")])).refused(Reason::NoSuchVersion);
        let set_once = given.and(person(LABEL), set(10, &[(32_000, " Verse 1 "), (0, "Intro")]));
        let sections = told(&[(0, "Intro"), (32_000, "Verse 1")]);
        assert_eq!(shown(&set_once, 10, LISTENER), sections);
        let same = set(10, &[(0, "Intro"), (32_000, "Verse 1")]);
        set_once.when(person(MIXER), same).refused(Reason::NothingToChange);
        assert_eq!(shown(&set_once, 1, ARTIST), [], "an earlier version shows nothing of it");
        let gone = set_once.and(person(MIXER), set(10, &[]));
        assert_eq!(shown(&gone, 10, ARTIST), []);
    }

    #[test]
    fn a_later_version_shows_them_where_its_sound_went() {
        let given = Given::mixed()
            .and(
                person(ARTIST),
                set(10, &[(0, "Intro"), (20_000, "Verse"), (60_000, "Chorus"), (95_000, "End")]),
            )
            .and_unexamined(person(MIXER), &add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]));
        let first = told(&[(0, "Intro"), (20_000, "Verse"), (60_000, "Chorus"), (95_000, "End")]);
        assert_eq!(shown(&given, 11, ARTIST), first, "as they were, until somebody listened");
        // Of the intro 25 s are gone, five of them the verse's; ten seconds came before the chorus, and the end is cut.
        let stretch = |was_ms, was_end_ms, is_ms| Stretch {
            was_ms,
            was_end_ms,
            is_ms,
            is_end_ms: is_ms + was_end_ms - was_ms,
        };
        let examined = Examined {
            against: Some(VersionId(10)),
            stretches: vec![stretch(25_000, 60_000, 0), stretch(60_000, 90_000, 45_000)],
            ..Examined::default()
        };
        let command = Command::RecordExamination { version: VersionId(11), examined };
        let given = given.and(Actor::Worker, command);
        assert_eq!(shown(&given, 11, ARTIST), told(&[(0, "Verse"), (45_000, "Chorus")]));
        let mix = add_version(12, VersionKind::Mix, &[(Alternate::Main, 4)]);
        let third = given.and_unexamined(person(MIXER), &mix);
        let examined = Examined {
            against: Some(VersionId(11)),
            stretches: vec![stretch(0, 75_000, 1000)],
            ..Examined::default()
        };
        let third = third.and(Actor::Worker, Command::RecordExamination { version: VersionId(12), examined });
        assert_eq!(shown(&third, 12, ARTIST), told(&[(1000, "Verse"), (46_000, "Chorus")]));
        let own = third.and(person(MIXER), set(12, &[(7, "Mine")]));
        assert_eq!(shown(&own, 12, ARTIST), told(&[(7, "Mine")]));
        assert_eq!(shown(&own, 11, ARTIST), told(&[(0, "Verse"), (45_000, "Chorus")]));
        assert_eq!(shown(&own.and(person(MIXER), set(12, &[])), 12, ARTIST).len(), 2, "those before again");
    }

    #[test]
    fn a_master_shows_those_of_its_mix() {
        let given = Given::mixed()
            .and(person(ARTIST), set(10, &[(3000, "Verse")]))
            .approved(ARTIST, 10, Role::Artist)
            .approved(LABEL, 10, Role::Label)
            .and(person(MASTERER), add_version(20, VersionKind::Master, &[(Alternate::Main, 4)]));
        assert_eq!(shown(&given, 20, LISTENER), told(&[(3000, "Verse")]));
    }

    #[test]
    fn v1_sections_of_a_hidden_line_are_shown_to_nobody_who_may_not_see_it() {
        let second = PersonId(8);
        let roles = crate::Roles::from([Role::MixEngineer]);
        let open = Command::OpenShootout {
            shootout: crate::ShootoutId(1),
            song: SONG,
            entrants: vec![MIXER, second],
            blind: true,
        };
        let mix = |id, file| add_version(id, VersionKind::Mix, &[(Alternate::Main, file)]);
        let given = Given::mixed()
            .and(person(OWNER), Command::AddMember { person: second, roles })
            .and(person(OWNER), open)
            .and(person(MIXER), mix(11, 3))
            .and(person(MIXER), set(11, &[(5000, "Secret")]))
            .and(person(second), mix(12, 4));
        assert_eq!(shown(&given, 12, second), []);
        assert_eq!(shown(&given, 12, ARTIST), told(&[(5000, "Secret")]));
        given.when(person(second), set(11, &[(0, "Mine")])).refused(Reason::NoSuchVersion);
        let event = crate::Event {
            at: Time(1),
            by: Some(MIXER),
            fact: Fact::SectionsSet { version: VersionId(11), sections: Vec::new() },
        };
        assert!(!audience::visible_fact(&given.project, second, &event));
        let said = crate::sentence_for(&given.project, ARTIST, &event, &|_| "Max".to_owned()).unwrap();
        assert_eq!(said.text, "An engineer took the sections of Mix A 1 away.");
    }

    #[test]
    fn whoever_may_mark_is_told_so() {
        let given = Given::mixed().and(person(ARTIST), set(10, &[(0, "...")]));
        let may = |who| {
            let answers = dry::version_actions(&given.project, &person(who), VersionId(10));
            answers.into_iter().any(|(action, answer)| action == "set_sections" && answer.is_ok())
        };
        assert!(may(ARTIST) && may(LABEL) && may(MIXER));
        assert!(!may(LISTENER));
    }
}
