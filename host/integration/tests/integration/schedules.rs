//! Schedules of instances.

use chrono_tz::Tz;
use mortise_integration::{NewSchedule, ScheduleChanges};
use mortise_model::id::InstanceId;
use mortise_model::schedule::{MissedPolicy, OverlapPolicy};
use mortise_store::JobFilter;

use crate::expect::{invalid_at, limit, not_found};
use crate::house::House;

fn hourly(instance: &InstanceId) -> NewSchedule {
    NewSchedule {
        instance: instance.clone(),
        cron: "0 * * * *".to_owned(),
        time_zone: Tz::UTC,
        missed: MissedPolicy::RunOnce,
        overlap: OverlapPolicy::Skip,
        enabled: true,
    }
}

#[tokio::test]
async fn a_schedule_knows_its_next_occurrence_and_a_job_waits_for_it() {
    let house = House::new();
    let id = house.instance().await.id;
    let schedules = house.integration.schedules();
    let schedule = schedules.create(&house.tenant, hourly(&id)).await.unwrap();
    assert_eq!(schedule.next_at, Some("2026-03-01T10:00:00Z".parse().unwrap()));
    let jobs = house.store.jobs(&house.tenant, &JobFilter::default(), 10).await.unwrap();
    assert_eq!(
        jobs.iter().map(|job| (job.kind.as_str(), job.due)).collect::<Vec<_>>(),
        [("tick", schedule.next_at.unwrap())]
    );
    assert_eq!(schedules.get(&house.tenant, &schedule.id).await.unwrap(), schedule);
    assert_eq!(schedules.list(&house.tenant, Some(&id)).await.unwrap(), [schedule]);
    assert_eq!(schedules.list(&house.tenant, Some(&InstanceId::new())).await.unwrap(), []);
}

#[tokio::test]
async fn a_wrong_cron_line_is_refused_where_it_is() {
    let house = House::new();
    let id = house.instance().await.id;
    let schedules = house.integration.schedules();
    let wrong = NewSchedule { cron: "61 * * * *".to_owned(), ..hourly(&id) };
    invalid_at(schedules.create(&house.tenant, wrong).await, "/cron", "invalid-cron");
    let schedule = schedules.create(&house.tenant, hourly(&id)).await.unwrap();
    let wrong = ScheduleChanges { cron: Some("nonsense".to_owned()), ..ScheduleChanges::default() };
    invalid_at(schedules.change(&house.tenant, &schedule.id, wrong).await, "/cron", "invalid-cron");
}

#[tokio::test]
async fn a_change_moves_the_next_occurrence() {
    let house = House::new();
    let id = house.instance().await.id;
    let schedules = house.integration.schedules();
    let schedule = schedules.create(&house.tenant, hourly(&id)).await.unwrap();
    let at_noon = ScheduleChanges {
        cron: Some("0 12 * * *".to_owned()),
        time_zone: Some(Tz::Europe__Athens),
        ..ScheduleChanges::default()
    };
    let changed = schedules.change(&house.tenant, &schedule.id, at_noon).await.unwrap();
    assert_eq!(changed.next_at, Some("2026-03-01T10:00:00Z".parse().unwrap()));
    let off = ScheduleChanges { enabled: Some(false), ..ScheduleChanges::default() };
    let off = schedules.change(&house.tenant, &schedule.id, off).await.unwrap();
    assert_eq!((off.next_at, off.cron.as_str()), (None, "0 12 * * *"));
}

#[tokio::test]
async fn an_instance_has_ten_schedules_at_most() {
    let house = House::new();
    let id = house.instance().await.id;
    let schedules = house.integration.schedules();
    for _ in 0..10 {
        schedules.create(&house.tenant, hourly(&id)).await.unwrap();
    }
    assert!(limit(schedules.create(&house.tenant, hourly(&id)).await).contains("at most 10"));
    house.integration.instances().remove(&house.tenant, &id).await.unwrap();
    assert_eq!(schedules.list(&house.tenant, None).await.unwrap(), []);
}

#[tokio::test]
async fn a_schedule_needs_its_instance_and_is_gone_when_removed() {
    let house = House::new();
    let schedules = house.integration.schedules();
    not_found(schedules.create(&house.tenant, hourly(&InstanceId::new())).await, "instance");
    let id = house.instance().await.id;
    let schedule = schedules.create(&house.tenant, hourly(&id)).await.unwrap();
    schedules.remove(&house.tenant, &schedule.id).await.unwrap();
    not_found(schedules.get(&house.tenant, &schedule.id).await, "schedule");
    not_found(schedules.remove(&house.tenant, &schedule.id).await, "schedule");
}
