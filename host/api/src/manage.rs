//! The management API: tenants, plugins, instances, schedules, runs, dead letters.

mod clients;
mod dead_letters;
mod deliveries;
mod instance_work;
mod instances;
mod keys;
mod lists;
mod plugins;
mod releases;
mod runs;
mod schedules;
mod scopes;
mod secrets;
mod tenants;
mod upload;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(tenants::list_tenants, tenants::create_tenant))
        .routes(routes!(tenants::get_tenant, tenants::change_tenant))
        .routes(routes!(clients::list_clients, clients::create_client))
        .routes(routes!(clients::remove_client))
        .routes(routes!(keys::list_keys, keys::create_key))
        .routes(routes!(keys::remove_key))
        .routes(routes!(plugins::list_plugins, upload::upload_plugin))
        .routes(routes!(plugins::get_plugin, plugins::remove_plugin))
        .routes(routes!(releases::list_releases))
        .routes(routes!(plugins::get_grant, plugins::put_grant, plugins::remove_grant))
        .routes(routes!(releases::activate_release))
        .routes(routes!(releases::roll_back))
        .routes(routes!(instances::list_instances, instances::create_instance))
        .routes(routes!(instances::get_instance, instances::change_instance, instances::remove_instance))
        .routes(routes!(deliveries::list_deliveries))
        .routes(routes!(instance_work::pause_instance))
        .routes(routes!(instance_work::resume_instance))
        .routes(routes!(instance_work::test_instance))
        .routes(routes!(instance_work::run_instance))
        .routes(routes!(instance_work::forget_progress))
        .routes(routes!(secrets::list_secrets))
        .routes(routes!(secrets::put_secret, secrets::remove_secret))
        .routes(routes!(schedules::list_schedules, schedules::create_schedule))
        .routes(routes!(schedules::get_schedule, schedules::change_schedule, schedules::remove_schedule))
        .routes(routes!(runs::list_runs))
        .routes(routes!(runs::get_run))
        .routes(routes!(runs::get_run_log))
        .routes(routes!(runs::cancel_run))
        .routes(routes!(runs::replay_run))
        .routes(routes!(dead_letters::list_dead_letters))
        .routes(routes!(dead_letters::get_dead_letter))
        .routes(routes!(dead_letters::replay_dead_letter))
        .routes(routes!(dead_letters::discard_dead_letter))
}
