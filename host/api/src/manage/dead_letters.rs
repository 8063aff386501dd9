//! `/manage/dead-letters`: items that failed, and what a person decides about them.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use mortise_model::id::{InstanceId, ItemId};
use mortise_model::item::FailedItem;

use super::lists::{answer, offset, one_more};
use crate::access::{Allowed, ReadManagement, WriteManagement};
use crate::app::App;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::schema;

/// The statuses of an item.
const STATUSES: [&str; 4] = ["retrying", "dead", "resolved", "discarded"];

/// Lists items that failed, the oldest first.
#[utoipa::path(
    get,
    path = "/manage/dead-letters",
    operation_id = "listDeadLetters",
    tag = "Dead letters",
    params(
        ("instance" = Option<String>, Query, description = "Only those of an instance"),
        ("status" = Option<String>, Query, description = "`retrying`, `dead`, `resolved` or `discarded`"),
        ("page" = Option<u32>, Query, description = "The number of the page, from 1"),
        ("size" = Option<u32>, Query, description = "Items of a page, 1 to 500"),
    ),
    responses((status = 200, description = "A page of items", body = Vec<schema::run::FailedItem>))
)]
pub(super) async fn list_dead_letters(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    parameters.only(&["instance", "status", "page", "size"])?;
    let instance: Option<InstanceId> = parameters.value("instance")?;
    let status = parameters.word("status", &STATUSES)?;
    let page = parameters.page()?;
    let items = app
        .integration
        .dead_letters()
        .list(&allowed.tenant, instance.as_ref(), status, offset(&page)?, one_more(&page))
        .await?;
    Ok(answer(items, &page, &parameters))
}

/// Reads an item.
#[utoipa::path(
    get,
    path = "/manage/dead-letters/{id}",
    operation_id = "getDeadLetter",
    tag = "Dead letters",
    params(("id" = String, Path, description = "The item")),
    responses((status = 200, description = "The item, whole", body = schema::run::FailedItem))
)]
pub(super) async fn get_dead_letter(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<FailedItem>, Problem> {
    Ok(Json(app.integration.dead_letters().get(&allowed.tenant, &item_id(&id)?).await?))
}

/// Has an item tried again now, with its attempts counted anew.
#[utoipa::path(
    post,
    path = "/manage/dead-letters/{id}/replay",
    operation_id = "replayDeadLetter",
    tag = "Dead letters",
    params(("id" = String, Path, description = "The item")),
    responses((status = 200, description = "The item as it is now", body = schema::run::FailedItem))
)]
pub(super) async fn replay_dead_letter(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<FailedItem>, Problem> {
    Ok(Json(app.integration.dead_letters().replay(&allowed.tenant, &item_id(&id)?).await?))
}

/// Gives an item up.
#[utoipa::path(
    post,
    path = "/manage/dead-letters/{id}/discard",
    operation_id = "discardDeadLetter",
    tag = "Dead letters",
    params(("id" = String, Path, description = "The item")),
    responses((status = 200, description = "The item as it is now", body = schema::run::FailedItem))
)]
pub(super) async fn discard_dead_letter(
    allowed: Allowed<WriteManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<FailedItem>, Problem> {
    Ok(Json(app.integration.dead_letters().discard(&allowed.tenant, &item_id(&id)?).await?))
}

fn item_id(text: &str) -> Result<ItemId, Problem> {
    text.parse().map_err(|_| Problem::not_found("failed item", text))
}
