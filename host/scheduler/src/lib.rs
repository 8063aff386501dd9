//! Cron schedules become jobs, jobs find workers: leases, retries and dead letters.
