//! The mail of the day: what waits on somebody, and what happened since the last one in what they follow. Read from the ledger between two marks.
//! Never here: when it is made, and its words.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use deadwax_domain::{FollowLevel, PersonId};
use deadwax_proto::v1::DeskRow;

use super::{
    letter::{self, News, Text},
    mailer::{Book, Mailer, desk_rows, keys, named_in, song_of},
    outbox::ProjectText,
};
use crate::{
    auth::{Directory, MailChoice},
    ledger::{Kept, LedgerError, Snapshot},
    wire,
};

const PAGE: usize = 256;
/// Sentences of one project in one letter; the rest is counted.
const ENTRIES_MAX: usize = 200;

/// What one person has to hear.
#[derive(Default)]
struct Heard {
    rows: Vec<DeskRow>,
    fresh: HashSet<String>,
    news: Vec<News>,
    projects: BTreeSet<ProjectText>,
}

impl Mailer {
    /// Everybody's letter since the last digest, and sets the marks. Who has nothing new gets none.
    pub(super) async fn digests(
        &self,
        book: &mut Book,
        projects: &[Arc<Snapshot>],
    ) -> Vec<(PersonId, Text, BTreeSet<ProjectText>)> {
        let names = self.people.directory();
        let mut heard: BTreeMap<PersonId, Heard> = BTreeMap::new();
        for snapshot in projects {
            let since = book.projects.get(&ProjectText(snapshot.id)).map_or(0, |marks| marks.digest);
            let told = async {
                self.desks(&mut heard, snapshot, since).await?;
                self.news(&mut heard, snapshot, since, &names).await
            };
            if let Err(error) = told.await {
                let project = wire::id(snapshot.id.0);
                tracing::warn!(%error, project, "a digest lacks what could not be read of a project");
            }
            book.projects.entry(ProjectText(snapshot.id)).or_default().digest = snapshot.seq;
        }
        let mut letters = Vec::new();
        for person in self.people.list() {
            let choice = self.people.mail(person.id);
            let Some(mut heard) = heard.remove(&person.id).filter(|_| choice != MailChoice::None) else {
                continue;
            };
            if choice == MailChoice::Each {
                // They know of it already.
                heard.rows.clear();
                heard.fresh.clear();
            }
            if heard.fresh.is_empty() && heard.news.is_empty() {
                continue;
            }
            heard.projects.extend(named_in(&heard.rows));
            let fresh = |row: &DeskRow| heard.fresh.contains(&row.key);
            let text = letter::digest(&self.studio, &person.name, heard.rows, &fresh, &heard.news);
            letters.push((person.id, text, heard.projects));
        }
        letters
    }

    async fn desks(
        &self,
        heard: &mut BTreeMap<PersonId, Heard>,
        snapshot: &Snapshot,
        since: u64,
    ) -> Result<(), LedgerError> {
        let before = match since {
            since if since >= snapshot.seq => None,
            since => Some(
                self.ledger.fold_to(snapshot.id, since).await?.map(|then| keys(&then)).unwrap_or_default(),
            ),
        };
        for (person, row) in desk_rows(snapshot) {
            let at = (person, row.key.clone());
            let one = heard.entry(person).or_default();
            if before.as_ref().is_some_and(|before| !before.contains(&at)) {
                one.fresh.insert(at.1);
            }
            one.rows.push(row);
        }
        Ok(())
    }

    /// What others did in what somebody follows, as the History tells it to them.
    async fn news(
        &self,
        heard: &mut BTreeMap<PersonId, Heard>,
        snapshot: &Snapshot,
        since: u64,
        names: &Directory,
    ) -> Result<(), LedgerError> {
        let project = &snapshot.project;
        let follows = project.follows.iter().filter(|(_, level)| **level == FollowLevel::All);
        let followers: BTreeSet<PersonId> = follows.map(|((person, _), _)| *person).collect();
        let followers = followers.into_iter().filter(|person| project.members.contains(*person));
        let none = || News { title: project.title.clone(), entries: Vec::new(), more: 0 };
        let mut told: Vec<(PersonId, News)> = followers.map(|person| (person, none())).collect();
        let mut after = since;
        while !told.is_empty() && after < snapshot.seq {
            let page = self.ledger.events(snapshot.id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for recorded in page.iter().filter(|one| one.seq <= snapshot.seq) {
                let Kept::Event(event) = &recorded.kept else { continue };
                for (person, news) in told.iter_mut().filter(|(person, _)| event.by != Some(*person)) {
                    let Some(entry) = wire::history::entry(project, *person, names, recorded, None) else {
                        continue;
                    };
                    if project.follow_level(*person, song_of(&entry.song_id)) != FollowLevel::All {
                        continue;
                    }
                    if news.entries.len() < ENTRIES_MAX { news.entries.push(entry) } else { news.more += 1 }
                }
            }
        }
        for (person, news) in told.into_iter().filter(|(_, news)| !news.entries.is_empty()) {
            let one = heard.entry(person).or_default();
            one.projects.insert(ProjectText(snapshot.id));
            one.news.push(news);
        }
        Ok(())
    }
}
