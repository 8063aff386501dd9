//! What every engine does, and what the embedded engine does beside it.
//!
//! The cases are written against `Arc<dyn Store>`. An engine joins with one line: `conformance!(name, open)`, where
//! `open` makes a new, empty store with the collections of [`fixture::COLLECTIONS`].

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod blobs;
mod documents;
mod feed;
mod fixture;
mod indexes;
mod jobs;
mod lanes;
mod leases;
mod limits;
mod numbers;
mod oracle;
mod preconditions;
mod queries;
mod sled_store;
mod waking;

/// Makes a test of each case for an engine.
macro_rules! cases {
    ($open:path; $($module:ident: $($case:ident),+;)+) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fixture = $open().await;
                crate::$module::$case(fixture.store()).await;
            })+
        })+
    };
}

/// Makes the whole suite for an engine.
macro_rules! conformance {
    ($engine:ident, $open:path) => {
        mod $engine {
            cases! {
                $open;
                documents:
                    a_document_reads_back_byte_for_byte,
                    a_document_that_was_removed_is_gone,
                    numbers_and_texts_are_different_ids,
                    tenants_do_not_see_one_another,
                    collections_do_not_share_ids,
                    a_typed_document_reads_back;
                preconditions:
                    absent_holds_once,
                    a_version_holds_until_the_next_write,
                    a_batch_that_does_not_hold_writes_nothing,
                    a_check_guards_a_batch_without_writing,
                    one_of_many_writers_wins_and_the_others_are_told,
                    a_batch_that_fails_does_not_fail_its_neighbours;
                indexes:
                    a_text_finds_the_document_that_has_it,
                    a_unique_value_belongs_to_one_document,
                    a_unique_value_is_free_again_when_it_is_given_up,
                    values_may_be_exchanged_within_a_batch,
                    two_documents_of_a_batch_cannot_share_a_unique_value,
                    a_document_without_the_value_is_no_conflict,
                    every_element_of_an_array_finds_the_document,
                    only_a_unique_index_of_one_text_finds_by_text;
                queries:
                    a_filter_finds_what_matches,
                    documents_without_an_order_come_by_id,
                    an_order_without_an_index_is_sorted,
                    pages_by_number_make_up_the_whole,
                    pages_by_cursor_make_up_the_whole,
                    a_cursor_goes_on_though_its_document_is_gone,
                    a_count_is_of_all_that_match,
                    a_cursor_of_another_order_is_refused,
                    an_empty_tenant_has_nothing;
                oracle:
                    what_is_found_is_what_matches_in_order;
                feed:
                    a_change_tells_what_happened_by_whom_and_when,
                    private_collections_are_not_in_the_feed,
                    removing_what_is_not_there_is_no_change,
                    the_feed_goes_on_after_a_place,
                    a_sequence_is_the_version_of_what_it_wrote;
                jobs:
                    a_job_is_leased_when_it_is_due,
                    the_oldest_due_job_comes_first,
                    a_key_has_one_waiting_job_due_no_later,
                    a_key_is_free_while_its_job_is_worked_on,
                    a_job_that_is_done_is_gone,
                    a_retry_waits_until_it_is_due_and_says_why,
                    a_release_does_not_count_as_an_attempt,
                    a_buried_job_is_kept_and_not_offered,
                    a_waiting_or_dead_job_is_cancelled,
                    a_leased_job_is_not_cancelled,
                    kinds_that_are_not_asked_for_are_not_offered,
                    a_tenant_has_no_more_jobs_than_allowed,
                    one_tenants_backlog_does_not_hold_up_another,
                    a_job_is_added_only_with_its_batch,
                    jobs_are_shown_by_status_and_lane_the_earliest_due_first,
                    a_job_that_comes_back_gives_way_to_one_that_waits_under_its_key;
                leases:
                    an_ended_lease_is_offered_again_and_counts,
                    a_renewed_lease_lasts,
                    a_lost_lease_writes_nothing,
                    a_fence_holds_for_as_long_as_the_lease,
                    a_lease_ends_once,
                    a_lease_is_of_its_tenant;
                lanes:
                    a_lane_has_one_job_at_a_time,
                    a_lane_is_free_when_its_job_ends,
                    a_lane_is_of_its_tenant,
                    jobs_of_all_kinds_share_a_lane,
                    an_ended_lease_keeps_its_lane_for_the_same_job;
                waking:
                    a_new_job_wakes_who_waits,
                    a_job_added_since_the_last_look_is_not_waited_for,
                    a_lane_that_is_freed_wakes_who_waits,
                    who_waits_wakes_when_a_job_is_due,
                    who_waits_for_nothing_wakes_at_the_timeout;
                blobs:
                    a_blob_reads_back_by_its_digest,
                    the_same_bytes_are_kept_once,
                    a_blob_that_is_removed_is_gone;
                numbers:
                    numbers_begin_at_one_and_follow_one_another,
                    names_and_tenants_count_for_themselves,
                    no_number_is_given_twice,
                    a_request_out_of_bounds_is_refused;
                limits:
                    a_document_that_is_too_long_is_refused,
                    an_id_that_is_too_long_or_empty_is_refused,
                    a_batch_with_too_many_writes_is_refused,
                    a_document_written_twice_in_a_batch_is_refused,
                    a_body_that_is_not_json_is_refused,
                    a_value_too_long_for_its_index_is_refused,
                    a_payload_that_is_too_long_is_refused,
                    a_reason_that_is_too_long_is_cut_off,
                    a_store_that_works_says_so;
            }
        }
    };
}

conformance!(embedded, crate::sled_store::open);
