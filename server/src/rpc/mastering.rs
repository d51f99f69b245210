//! The Mastering service: the progress of renders that run here, and recipes as text. See `mastering.proto`. Starting, cancelling and saving are
//! actions of the Projects service. Never here: what a recipe means (dsp) and who may change one (the domain).

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use deadwax_domain::{PersonId, Project, ProjectId, Reason, RenderId, audience};
use deadwax_dsp::{DspError, recipe::Recipe};
use deadwax_proto::v1;
use futures::{Stream, TryStreamExt as _};
use tonic::{Request, Response, Status};

use super::{
    follow::{Followed, progress},
    parse_id,
};
use crate::{
    auth::Caller,
    ledger::Snapshot,
    render::worker::{Progress, RenderKey},
    status,
    studio::Studio,
};

/// A recipe is a page of text.
const RECIPE_BYTES_MAX: usize = 64 << 10;
/// Curves of a few hundred points and a list of files.
const SHEET_BYTES_MAX: u64 = 1 << 20;

pub struct Service {
    studio: Arc<Studio>,
}

impl Service {
    pub fn new(studio: Arc<Studio>) -> Self {
        Self { studio }
    }
}

type Told = Result<v1::RenderProgress, Status>;

#[tonic::async_trait]
impl v1::mastering_server::Mastering for Service {
    type WatchRenderStream = Pin<Box<dyn Stream<Item = Told> + Send>>;

    async fn watch_render(
        &self,
        request: Request<v1::WatchRenderRequest>,
    ) -> Result<Response<Self::WatchRenderStream>, Status> {
        let caller = caller(&request)?;
        let asked = request.into_inner();
        let project = ProjectId(parse_id("project_id", &asked.project_id)?);
        let render = RenderId(parse_id("render_id", &asked.render_id)?);
        let snapshot = self.visible(project, &caller).await?;
        let there = snapshot.project.renders.contains(render);
        if !there || !sees_work(&snapshot, caller.person.id) {
            return Err(status::not_found(Reason::NoSuchRender.code(), "render"));
        }
        let followed = Followed {
            project,
            running: Arc::clone(&self.studio.renders),
            key: (project, render),
            alive,
            line,
            ended: || v1::RenderProgress { step: String::new(), fraction: 1.0, ended: true },
        };
        Ok(Response::new(Box::pin(progress(&self.studio, &caller, followed))))
    }

    async fn get_sheet(
        &self,
        request: Request<v1::GetSheetRequest>,
    ) -> Result<Response<v1::GetSheetResponse>, Status> {
        let caller = caller(&request)?;
        let asked = request.into_inner();
        let project = ProjectId(parse_id("project_id", &asked.project_id)?);
        let render = RenderId(parse_id("render_id", &asked.render_id)?);
        let snapshot = self.visible(project, &caller).await?;
        let found = snapshot.project.renders.get(render).filter(|_| sees_work(&snapshot, caller.person.id));
        let found = found.ok_or_else(|| status::not_found(Reason::NoSuchRender.code(), "render"))?;
        let sheet = found.sheet.ok_or_else(|| status::not_found("NO_SUCH_SHEET", "sheet"))?;
        let (bytes, chunks) = self.studio.blobs.read(sheet, 0, None).await.map_err(status::blob)?;
        if bytes > SHEET_BYTES_MAX {
            return Err(status::internal(&format!("the sheet {sheet} has {bytes} bytes")));
        }
        let parts: Vec<Bytes> = chunks.try_collect().await.map_err(status::blob)?;
        let sheet_json = String::from_utf8(parts.concat()).map_err(|error| status::internal(&error))?;
        Ok(Response::new(v1::GetSheetResponse { sheet_json }))
    }

    async fn list_recipes(
        &self,
        _request: Request<v1::ListRecipesRequest>,
    ) -> Result<Response<v1::ListRecipesResponse>, Status> {
        let recipes = deadwax_dsp::recipe::shipped().iter().map(|(name, toml)| v1::RecipeInfo {
            name: (*name).to_owned(),
            toml: (*toml).to_owned(),
            hash: Recipe::parse(toml).map(|recipe| hex::encode(recipe.hash())).unwrap_or_default(),
        });
        Ok(Response::new(v1::ListRecipesResponse { recipes: recipes.collect() }))
    }

    async fn check_recipe(
        &self,
        request: Request<v1::CheckRecipeRequest>,
    ) -> Result<Response<v1::CheckRecipeResponse>, Status> {
        let toml = request.into_inner().toml;
        if toml.len() > RECIPE_BYTES_MAX {
            return Err(status::malformed(format!(
                "A recipe of {} bytes is over the limit of {RECIPE_BYTES_MAX}.",
                toml.len()
            )));
        }
        let checked = match Recipe::parse(&toml) {
            Ok(recipe) => v1::CheckRecipeResponse {
                valid: true,
                hash: hex::encode(recipe.hash()),
                ..Default::default()
            },
            Err(DspError::Recipe { line, what }) => v1::CheckRecipeResponse {
                line: u32::try_from(line).unwrap_or(u32::MAX),
                text: what,
                ..Default::default()
            },
            Err(error) => v1::CheckRecipeResponse { line: 1, text: error.to_string(), ..Default::default() },
        };
        Ok(Response::new(checked))
    }
}

impl Service {
    async fn visible(&self, project: ProjectId, caller: &Caller) -> Result<Arc<Snapshot>, Status> {
        let found = self.studio.ledger.project(project).await.map_err(status::ledger)?;
        found
            .filter(|snapshot| snapshot.project.roles_of(caller.person.id).is_some())
            .ok_or_else(|| status::not_found(Reason::NoSuchProject.code(), "project"))
    }
}

fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    request.extensions().get::<Caller>().cloned().ok_or_else(status::unauthenticated)
}

/// Those who see no renders (V-1) learn nothing of one, not even that it is there.
fn sees_work(snapshot: &Snapshot, person: PersonId) -> bool {
    snapshot.project.roles_of(person).is_some_and(audience::sees_work)
}

fn alive(project: &Project, (_, render): &RenderKey) -> bool {
    project.renders.get(*render).is_some_and(|render| render.is_alive())
}

fn line(Progress { step, fraction }: Progress) -> v1::RenderProgress {
    v1::RenderProgress { step, fraction, ended: false }
}
