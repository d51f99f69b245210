//! What one person wrote and what others set meanwhile, put together: whoever changed a field has it; where both did, the one who writes now has it and is told.
//! Never here: asking anybody, sending.

use deadwax_proto::v1::{Explicit, Split, SplitOf};

use super::{
    RELEASE_KEYS, Sheet, Song, called, counted, explicit_word, lines::credits_line, lines::shares_line,
    release, release_mut,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    pub sheet: Sheet,
    /// Fields that both changed, each with what stands there now: sentences.
    pub clashes: Vec<String>,
}

/// `base` is what was read, `mine` what was made of it, `now` what stands there.
pub fn merge(base: &Sheet, mine: &Sheet, now: &Sheet) -> Merged {
    let mut merged = Merged { sheet: now.clone(), clashes: Vec::new() };
    for key in RELEASE_KEYS {
        let [was, wrote, is] = [base, mine, now].map(|it| release(&it.release, key));
        if let (Some(wrote), Some(field)) = (changed(was, wrote), release_mut(&mut merged.sheet.release, key))
        {
            clash(&mut merged.clashes, (&was, &wrote, &is), "The release", called(key), || is.to_owned());
            wrote.clone_into(field);
        }
    }
    for song in &mut merged.sheet.songs {
        let of = |sheet: &Sheet| sheet.songs.iter().find(|it| it.id == song.id).cloned();
        if let (Some(was), Some(wrote)) = (of(base), of(mine)) {
            of_song(song, &was, &wrote, &mut merged.clashes);
        }
    }
    for wrote in &mine.songs {
        let gone = merged.sheet.songs.iter().all(|it| it.id != wrote.id);
        if gone && base.songs.iter().any(|it| it.id == wrote.id && it != wrote) {
            merged
                .clashes
                .push(format!("{} is not here any more: what you wrote of it is left out.", wrote.title));
        }
    }
    merged
}

fn changed<'a, T: PartialEq + ?Sized>(was: &T, wrote: &'a T) -> Option<&'a T> {
    (was != wrote).then_some(wrote)
}

fn clash<T: PartialEq>(
    clashes: &mut Vec<String>,
    (was, wrote, is): (&T, &T, &T),
    whose: &str,
    what: &str,
    told: impl FnOnce() -> String,
) {
    if is != was && is != wrote {
        let told = match told() {
            it if it.is_empty() => "was taken away meanwhile".to_owned(),
            it => format!("is {it} by now"),
        };
        clashes.push(format!("{whose}: {what} {told}; yours takes its place."));
    }
}

fn of_song(song: &mut Song, was: &Song, wrote: &Song, clashes: &mut Vec<String>) {
    let whose = song.title.clone();
    if was.isrc != wrote.isrc {
        clash(clashes, (&was.isrc, &wrote.isrc, &song.isrc), &whose, "the ISRC", || song.isrc.clone());
        song.isrc.clone_from(&wrote.isrc);
    }
    let copy = &mut song.copy;
    if was.copy.version_title != wrote.copy.version_title {
        let three = (&was.copy.version_title, &wrote.copy.version_title, &copy.version_title);
        clash(clashes, three, &whose, "the version title", || copy.version_title.clone());
        copy.version_title.clone_from(&wrote.copy.version_title);
    }
    if was.copy.explicit != wrote.copy.explicit {
        let three = (&was.copy.explicit, &wrote.copy.explicit, &copy.explicit);
        let word = |it: i32| explicit_word(Explicit::try_from(it).unwrap_or_default()).to_owned();
        clash(clashes, three, &whose, "\"explicit\"", || word(copy.explicit));
        copy.explicit = wrote.copy.explicit;
    }
    if was.copy.credits != wrote.copy.credits {
        let three = (&was.copy.credits, &wrote.copy.credits, &copy.credits);
        let credits = &copy.credits;
        let told = || credits_line(credits).unwrap_or_else(|| counted(credits.len(), "credit", "credits"));
        clash(clashes, three, &whose, "the credits", told);
        copy.credits.clone_from(&wrote.copy.credits);
    }
    shares(song, was, wrote, clashes);
}

/// Those of the composition and those of the recording are two lists that two people work on.
fn shares(song: &mut Song, was: &Song, wrote: &Song, clashes: &mut Vec<String>) {
    if was.copy.splits == wrote.copy.splits {
        return;
    }
    let mut all: Vec<Split> = Vec::new();
    for (of, what) in [
        (SplitOf::Composition, "the shares of the composition"),
        (SplitOf::Recording, "the shares of the recording"),
    ] {
        let list = |it: &Song| it.shares(of).cloned().collect::<Vec<_>>();
        let (before, mine, now) = (list(was), list(wrote), list(song));
        if before == mine {
            all.extend(now);
            continue;
        }
        let told = || shares_line(now.iter(), of).unwrap_or_else(|| counted(now.len(), "share", "shares"));
        clash(clashes, (&before, &mine, &now), &song.title, what, told);
        all.extend(mine);
    }
    song.copy.splits = all;
}

#[cfg(test)]
mod tests {
    use deadwax_proto::v1::{self, Credit};

    use super::*;

    fn sheet(change: impl Fn(&mut Sheet)) -> Sheet {
        let split = |name: &str, of: SplitOf, share| Split { name: name.into(), of: of.into(), share };
        let mut song = Song { id: "s1".into(), title: "Ash".into(), ..Song::default() };
        song.copy.splits = vec![
            split("Mara", SplitOf::Composition, 10_000),
            split("Night Records", SplitOf::Recording, 10_000),
        ];
        let release = v1::LabelCopy { label: "Night Records".into(), ..v1::LabelCopy::default() };
        let other = Song { id: "s2".into(), title: "Lamps".into(), ..Song::default() };
        let mut sheet = Sheet { release, songs: vec![song, other], ..Sheet::default() };
        change(&mut sheet);
        sheet
    }

    #[test]
    fn each_has_what_they_changed() {
        let base = sheet(|_| {});
        let mine = sheet(|it| {
            it.release.upc = "036000291452".into();
            it.songs[0].copy.splits[0].name = "Jo".into();
            it.songs[1].isrc = "DEAB12600002".into();
        });
        let now = sheet(|it| {
            it.release.genre = "Electronic".into();
            it.release.cover = Some(v1::Cover::default());
            it.songs[0].copy.splits[1].name = "Other Records".into();
            it.songs[0].copy.credits = vec![Credit { role: "bass".into(), name: "Ben".into() }];
            it.songs.swap(0, 1);
        });
        let merged = merge(&base, &mine, &now);
        assert!(merged.clashes.is_empty(), "{:?}", merged.clashes);
        let release = &merged.sheet.release;
        assert_eq!((release.upc.as_str(), release.genre.as_str()), ("036000291452", "Electronic"));
        assert!(release.cover.is_some());
        assert_eq!(merged.sheet.songs[0].isrc, "DEAB12600002", "in the order that holds now");
        let names: Vec<&str> = merged.sheet.songs[1].copy.splits.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["Jo", "Other Records"]);
        assert_eq!(merged.sheet.songs[1].copy.credits.len(), 1);
        // Nothing of mine: what stands there stays to the letter.
        assert_eq!(merge(&base, &base, &now).sheet, now);
    }

    #[test]
    fn what_both_changed_is_told_and_what_both_changed_alike_is_not() {
        let base = sheet(|_| {});
        let mine = sheet(|it| {
            it.release.label = "Mine".into();
            it.release.genre = "Rock".into();
            it.songs[0].isrc = "DEAB12600001".into();
            it.songs[1].copy.version_title = "Live".into();
        });
        let now = sheet(|it| {
            it.release.label = String::new();
            it.release.genre = "Rock".into();
            it.songs[0].isrc = "DEAB12600009".into();
            it.songs.truncate(1);
        });
        let merged = merge(&base, &mine, &now);
        assert_eq!(merged.sheet.release.label, "Mine");
        assert_eq!(
            merged.clashes,
            [
                "The release: label was taken away meanwhile; yours takes its place.",
                "Ash: the ISRC is DEAB12600009 by now; yours takes its place.",
                "Lamps is not here any more: what you wrote of it is left out.",
            ]
        );
    }
}
