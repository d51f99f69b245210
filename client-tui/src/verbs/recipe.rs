//! Recipes of a song and of a project: shown, set with a reason, taken away, and their versions told. Never here: what a recipe means.

use std::path::Path;

use deadwax_proto::v1::{self, RecipeRow, action::Action};
use serde_json::json;

use super::{
    Context, VerbError,
    house::{self, House},
    json as row_json,
    review::enter,
    words,
};
use crate::{
    cli::{RecipeVerb, Where},
    net::Client,
};

/// The server's own limit is lower; this one only keeps a wrong file from being read whole.
const RECIPE_BYTES_MAX: u64 = 1 << 20;
const STUDIO: &str = "# neither the song nor the project has a recipe: the studio's default is used";

pub async fn recipe(c: &Context, verb: RecipeVerb) -> Result<(), VerbError> {
    match verb {
        RecipeVerb::Show { number, whole_project, place } => show(c, number, whole_project, &place).await,
        RecipeVerb::Set { recipe, why, whole_project, place } => {
            let (client, house) = enter(c, &place).await?;
            let song_id = of(&house, &place, whole_project)?;
            let recipe_toml = text_of(&client, &house, &song_id, &recipe).await?;
            checked(&client, &recipe_toml).await?;
            let action = Action::SetRecipe(v1::SetRecipe { song_id, recipe_toml, why });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
        RecipeVerb::Drop { why, whole_project, place } => {
            let (client, house) = enter(c, &place).await?;
            let song_id = of(&house, &place, whole_project)?;
            let action = Action::SetRecipe(v1::SetRecipe { song_id, recipe_toml: String::new(), why });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
        RecipeVerb::Log { whole_project, place } => {
            let (_, house) = enter(c, &place).await?;
            let song_id = of(&house, &place, whole_project)?;
            let versions: Vec<&RecipeRow> = versions(&house, &song_id).collect();
            if versions.is_empty() {
                let whose = if song_id.is_empty() { "The project" } else { "The song" };
                return c.out.text(&format!("{whose} has no recipe of its own yet."));
            }
            for version in versions {
                c.out.both(&line(version), &row_json::recipe(version))?;
            }
            Ok(())
        }
        RecipeVerb::List { who } => {
            for recipe in c.client(&who).await?.list_recipes().await? {
                c.out.both(
                    &format!("{}  {}", recipe.name, words::short(&recipe.hash)),
                    &json!({ "name": recipe.name, "hash": recipe.hash, "toml": recipe.toml }),
                )?;
            }
            Ok(())
        }
    }
}

async fn show(c: &Context, number: Option<u32>, whole_project: bool, place: &Where) -> Result<(), VerbError> {
    let (_, house) = enter(c, place).await?;
    let song_id = of(&house, place, whole_project)?;
    let (recipe_toml, number) = match number {
        Some(number) => (numbered(&house, &song_id, number)?.toml.clone(), Some(number)),
        None if song_id.is_empty() => {
            let newest = versions(&house, "").last();
            (newest.map(|it| it.toml.clone()).unwrap_or_default(), newest.map(|it| it.number))
        }
        None => (house.song(place.song.as_deref())?.recipe_toml.clone(), None),
    };
    let text = if recipe_toml.trim().is_empty() { STUDIO } else { recipe_toml.trim_end() };
    c.out.both(text, &json!({ "song_id": song_id, "number": number, "recipe_toml": recipe_toml }))
}

/// The id of the song, or empty for the project.
fn of(house: &House, place: &Where, whole_project: bool) -> Result<String, VerbError> {
    if whole_project { Ok(String::new()) } else { Ok(house.song(place.song.as_deref())?.song_id.clone()) }
}

/// Oldest first.
fn versions<'a>(house: &'a House, song_id: &str) -> impl Iterator<Item = &'a RecipeRow> {
    house.recipes.iter().filter(move |it| it.song_id == song_id)
}

fn numbered<'a>(house: &'a House, song_id: &str, number: u32) -> Result<&'a RecipeRow, VerbError> {
    versions(house, song_id).find(|it| it.number == number).ok_or_else(|| {
        VerbError::no(
            "NO_SUCH_RECIPE",
            format!("There is no recipe {number} here."),
            "See them with `deadwax recipe log`.",
        )
    })
}

/// "3  Ines Okafor, 2026-11-21 10:12  0f3a…  louder, said the label"
fn line(version: &RecipeRow) -> String {
    let hash = if version.toml.is_empty() { "none of its own" } else { words::short(&version.hash) };
    let why = if version.why.is_empty() { "no reason was given" } else { &version.why };
    format!("{:>3}  {}  {}, {}  {why}", version.number, hash, version.by, words::moment(version.at_ms))
}

/// A file, an older version by its number, or one that the studio offers by its name.
async fn text_of(client: &Client, house: &House, song_id: &str, recipe: &str) -> Result<String, VerbError> {
    let path = Path::new(recipe);
    if path.exists() {
        return read_recipe(path);
    }
    if let Ok(number) = recipe.parse::<u32>() {
        let version = numbered(house, song_id, number)?;
        if version.toml.is_empty() {
            return Err(VerbError::Usage(format!("recipe {number} took the recipe away; see `recipe drop`")));
        }
        return Ok(version.toml.clone());
    }
    let offered = client.list_recipes().await?;
    let names: Vec<(&str, &str)> = offered.iter().map(|r| (r.name.as_str(), r.name.as_str())).collect();
    Ok(offered[house::choose("recipe", &names, Some(recipe))?].toml.clone())
}

pub fn read_recipe(path: &Path) -> Result<String, VerbError> {
    let shown = crate::scrub::line(&path.to_string_lossy());
    let fault = |e: std::io::Error| VerbError::Input(format!("the recipe {shown} could not be read: {e}"));
    if std::fs::metadata(path).map_err(fault)?.len() > RECIPE_BYTES_MAX {
        return Err(VerbError::Input(format!("{shown} is too long for a recipe")));
    }
    std::fs::read_to_string(path).map_err(fault)
}

/// A wrong recipe is told with its line before anything is asked.
pub async fn checked(client: &Client, toml: &str) -> Result<(), VerbError> {
    let answer = client.check_recipe(toml).await?;
    if answer.valid {
        return Ok(());
    }
    Err(VerbError::Input(format!("the recipe is wrong in line {}: {}", answer.line, answer.text)))
}
