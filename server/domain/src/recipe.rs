//! Recipes of a project and of its songs, as numbered versions: who set each, when and why. A song without one of its own has the project's.
//! Never here: what a recipe means.

use crate::{
    Actor, Command, Digest, Fact, PersonId, Project, Reason, Refusal, Role, SongId, Stage, Time,
    asker::Asker,
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
    text,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    pub toml: String,
    pub hash: Digest,
}

/// One version of a recipe, of a song or of the project. Numbers count from 1 for each of them, without gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipeVersion {
    pub number: u32,
    /// `None`: from here on there is none, and the one above it counts: the project's, then the studio's.
    pub recipe: Option<Recipe>,
    pub by: Option<PersonId>,
    pub at: Time,
    /// Empty only in facts of servers that did not ask.
    pub why: String,
}

impl Project {
    /// What a render of this song is made with: the song's own recipe, else the project's. `None`: the studio's default.
    pub fn recipe_of(&self, song: SongId) -> Option<&Recipe> {
        newest(self.recipes_of(Some(song))).or_else(|| newest(&self.recipes))
    }

    /// Of a song, or of the project itself; oldest first.
    pub fn recipes_of(&self, song: Option<SongId>) -> &[RecipeVersion] {
        match song {
            None => &self.recipes,
            Some(song) => self.songs.get(song).map_or(&[], |song| &song.recipes),
        }
    }

    pub(crate) fn next_recipe(
        &self,
        song: Option<SongId>,
        recipe: Option<Recipe>,
        why: &str,
        (by, at): (Option<PersonId>, Time),
    ) -> RecipeVersion {
        let number = u32::try_from(self.recipes_of(song).len()).unwrap_or(u32::MAX).saturating_add(1);
        RecipeVersion { number, recipe, by, at, why: why.to_owned() }
    }
}

fn newest(versions: &[RecipeVersion]) -> Option<&Recipe> {
    versions.last()?.recipe.as_ref()
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let Command::SetRecipe { song, recipe, why } = command else { return misrouted() };
    let asker = Asker::of(project, actor)?;
    asker.must_hold(&[Role::MasteringEngineer], "set the recipe")?;
    if let Some(id) = *song
        && asker.song(id)?.stage == Stage::Delivered
    {
        let text = format!("{} is delivered; no render follows.", project.song_name(id));
        return no(Reason::StageLeftAlready, text, "Set the recipe of the project; songs to come follow it.");
    }
    let versions = project.recipes_of(*song);
    limits::room(versions.len(), limits::RECIPES_MAX, "recipes")?;
    recipe.as_ref().map_or(Ok(()), sound)?;
    if newest(versions) == recipe.as_ref() {
        let whose = if song.is_some() { "song" } else { "project" };
        let text = if recipe.is_some() {
            format!("The {whose} has this recipe already.")
        } else {
            format!("The {whose} has no recipe of its own.")
        };
        return no(Reason::NothingToChange, text, "There is nothing to do.");
    }
    let why = text::required("The reason", why)?;
    Ok(Ruling::fact(Fact::RecipeSet { song: *song, recipe: recipe.clone(), why }))
}

/// What the domain can say of a recipe; its meaning was checked before it came here.
pub(crate) fn sound(recipe: &Recipe) -> Result<(), Refusal> {
    if recipe.toml.len() > limits::RECIPE_BYTES_MAX {
        let text = format!(
            "The recipe has {} bytes; {} are the limit.",
            recipe.toml.len(),
            limits::RECIPE_BYTES_MAX
        );
        return no(Reason::RecipeInvalid, text, "Shorten it.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn recipe(n: u8) -> Recipe {
        Recipe { toml: format!("target_lufs = -{n}.0\n"), hash: digest(n) }
    }

    fn set(song: Option<SongId>, recipe: Option<Recipe>, why: &str) -> Command {
        Command::SetRecipe { song, recipe, why: why.to_owned() }
    }

    #[test]
    fn recipes_are_numbered_and_keep_who_set_them_and_why() {
        let masterer = person(MASTERER);
        let given = Given::mixed()
            .and(masterer, set(Some(SONG), Some(recipe(14)), "a start"))
            .and(masterer, set(Some(SONG), Some(recipe(12)), "the label wants it louder"));
        let [first, second] = given.project.recipes_of(Some(SONG)) else { panic!("two versions") };
        assert_eq!((first.number, first.why.as_str(), first.by), (1, "a start", Some(MASTERER)));
        assert_eq!((second.number, second.why.as_str()), (2, "the label wants it louder"));
        assert_eq!(given.project.recipe_of(SONG), Some(&recipe(12)));
    }

    #[test]
    fn a_song_has_the_projects_recipe_until_it_has_its_own_and_again_without_it() {
        let masterer = person(MASTERER);
        let given = Given::mixed().and(masterer, set(None, Some(recipe(14)), "for the whole record"));
        assert_eq!(given.project.recipe_of(SONG), Some(&recipe(14)));
        let given = given.and(masterer, set(Some(SONG), Some(recipe(9)), "the single"));
        assert_eq!(given.project.recipe_of(SONG), Some(&recipe(9)));
        let given = given.and(masterer, set(Some(SONG), None, "like the others after all"));
        assert_eq!(given.project.recipe_of(SONG), Some(&recipe(14)));
        given.when(masterer, set(Some(SONG), None, "again")).refused(Reason::NothingToChange);
    }

    #[test]
    fn a_recipe_without_a_reason_or_from_another_role_is_refused() {
        let given = Given::mixed();
        given.when(person(MASTERER), set(Some(SONG), Some(recipe(9)), "  ")).refused(Reason::TextEmpty);
        given.when(person(MIXER), set(None, Some(recipe(9)), "mine")).refused(Reason::NotYourRole);
        let long = Recipe { toml: "#".repeat(limits::RECIPE_BYTES_MAX + 1), hash: digest(1) };
        given.when(person(MASTERER), set(None, Some(long), "long")).refused(Reason::RecipeInvalid);
    }
}
