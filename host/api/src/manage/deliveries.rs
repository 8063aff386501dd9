//! `/manage/instances/{id}/deliveries`: the webhooks that an instance was sent.

use axum::extract::{Path, State};
use axum::response::Response;

use super::instances::instance_id;
use super::lists::{answer, offset, one_more};
use crate::access::{Allowed, ReadManagement};
use crate::app::App;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::schema;

/// Lists the webhooks that an instance was sent, the latest first. Those that were not the far side's are not kept.
#[utoipa::path(
    get,
    path = "/manage/instances/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "Instances",
    params(
        ("id" = String, Path, description = "The instance"),
        ("page" = Option<u32>, Query, description = "The number of the page, from 1"),
        ("size" = Option<u32>, Query, description = "Deliveries of a page, 1 to 500"),
    ),
    responses((status = 200, description = "A page of deliveries", body = Vec<schema::delivery::Delivery>))
)]
pub(super) async fn list_deliveries(
    allowed: Allowed<ReadManagement>,
    State(app): State<App>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    parameters.only(&["page", "size"])?;
    let page = parameters.page()?;
    let deliveries = app
        .integration
        .webhooks()
        .deliveries(&allowed.tenant, &instance_id(&id)?, offset(&page)?, one_more(&page))
        .await?;
    Ok(answer(deliveries, &page, &parameters))
}
