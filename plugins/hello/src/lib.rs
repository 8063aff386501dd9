//! The smallest connector: two accounts, and a greeting from the settings.

use mortise_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Hello {
    greeting: String,
}

impl Connector for Hello {
    type Settings = Self;

    fn manifest() -> Manifest {
        Manifest::connector("mortise/hello", env!("CARGO_PKG_VERSION"))
            .title("Hello")
            .description("The smallest connector: two accounts that are always there.")
            .setting(Setting::text("greeting").title("Greeting").default("Hello"))
    }

    fn open(settings: Self) -> Result<Self> {
        Ok(settings)
    }

    fn entities(&self) -> Result<Vec<Entity>> {
        Ok(vec![Entity::named("account").pulled()])
    }

    fn pull(&self, request: PullRequest, sink: &Sink) -> Result<PullEnd> {
        let mut page = Page::last().reported_total(2);
        for (number, name) in [("W-1", "World"), ("W-2", "Moon")] {
            let name = format!("{}, {name}", self.greeting);
            page.record(number, &Account { name: name.into(), ..Account::default() });
        }
        let receipt = sink.commit(page)?;
        info!("said hello", entity = request.entity, created = receipt.created);
        Ok(PullEnd::without_bookmark())
    }
}

mortise_sdk::export_connector!(Hello);

#[cfg(test)]
mod tests {
    use mortise_sdk::testing::Host;

    use super::Hello;

    #[test]
    fn the_greeting_comes_from_the_settings() {
        let host = Host::new().settings(serde_json::json!({ "greeting": "Good morning" }));
        host.pull::<Hello>("account").unwrap();
        assert_eq!(host.records("account")["W-2"]["name"], "Good morning, Moon");
    }
}
