//! What can be done wrong with pages.

use mortise_sdk::Result;
use mortise_sdk::connector::PullEnd;
use mortise_sdk::sink::{Page, PulledRecord, Sink};
use serde_json::json;

use crate::behaviour::Behaviour;

/// Pulls five accounts, in the way that was asked for.
pub(crate) fn pull(behaviour: Behaviour, sink: &Sink) -> Result<PullEnd> {
    match behaviour {
        Behaviour::PullWithoutCommit => {}
        Behaviour::CommitHalf => drop(sink.commit(accounts(1, 5)?.reported_total(10))?),
        Behaviour::RepeatPage => loop {
            sink.commit(accounts(1, 5)?)?;
        },
        Behaviour::EndlessPages => {
            for page in 1.. {
                sink.commit(accounts(page, 1)?)?;
            }
        }
        Behaviour::MovingTotal => {
            for page in 1..=20 {
                sink.commit(accounts(page, 5)?.reported_total(100 + page))?;
            }
        }
        Behaviour::RubbishRecord => {
            let record =
                PulledRecord { external_id: "A-1".to_owned(), deleted: false, data: "{not JSON".to_owned() };
            let mut page = Page::last();
            page.push(record);
            sink.commit(page)?;
        }
        Behaviour::LongId => {
            let mut page = Page::last();
            page.record("x".repeat(257), &json!({ "name": "Long" }));
            sink.commit(page)?;
        }
        Behaviour::LongCursor => drop(sink.commit(Page::before(&"x".repeat(4096))?)?),
        Behaviour::LargePage => drop(sink.commit(accounts(1, 5_001)?)?),
        Behaviour::LongBookmark => {
            sink.commit(accounts(1, 5)?)?;
            return PullEnd::at(&"x".repeat(4096));
        }
        Behaviour::IgnoreRefusal => {
            // The second commit repeats the first, which the host refuses.
            for _ in 0..2 {
                let _refused = sink.commit(accounts(1, 5)?.reported_total(5));
            }
        }
        _ => drop(sink.commit(accounts(1, 5)?.reported_total(5))?),
    }
    Ok(PullEnd::without_bookmark())
}

fn accounts(page: u32, count: u32) -> Result<Page> {
    let mut accounts = Page::before(&page)?;
    for number in 1..=count {
        accounts.record(format!("A-{page}-{number}"), &json!({ "name": format!("Account {number}") }));
    }
    Ok(accounts)
}

#[cfg(test)]
mod tests {
    use mortise_sdk::Error;
    use mortise_sdk::testing::Host;

    use crate::Misbehaving;
    use crate::behaviour::BEHAVIOURS;

    fn pull(behaviour: &str) -> (Host, mortise_sdk::Result<mortise_sdk::connector::PullEnd>) {
        let host = Host::new().settings(serde_json::json!({ "behaviour": behaviour }));
        let end = host.pull::<Misbehaving>("account");
        (host, end)
    }

    #[test]
    fn it_can_behave() {
        let (host, end) = pull("behave");
        assert!(end.is_ok());
        assert_eq!(host.records("account").len(), 5);
    }

    #[test]
    fn what_a_host_refuses_is_an_error_and_not_an_end() {
        for behaviour in
            ["repeat-page", "large-page", "http-ungranted", "secret-ungranted", "unknown-credential"]
        {
            assert!(BEHAVIOURS.contains(&behaviour));
            assert!(pull(behaviour).1.is_err(), "{behaviour}");
        }
        assert!(matches!(pull("http-ungranted").1, Err(Error::Denied(_))));
    }
}
