//! What a tenant's administrator does, through the HTTP interface.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Answer, Caller, Failure, Outcome};

/// How long a run may take to come to its end. A slow machine that is busy with other things is patient.
const RUN: Duration = Duration::from_mins(3);
/// The wait between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// A tenant with a client that may do everything in it.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// Who acts in it: a client with an access token.
    pub caller: Caller,
}

/// What an upload came to.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// The plugin's name.
    pub plugin: String,
    /// The release's digest.
    pub release: String,
    /// The whole answer.
    pub answer: Value,
}

/// An instance to be linked.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// The name.
    pub name: String,
    /// The plugin's name.
    pub plugin: String,
    /// The settings.
    pub settings: Value,
    /// Secrets by name.
    pub secrets: Value,
    /// What a run does. Null takes everything that the plugin can pull.
    pub actions: Value,
}

impl Tenant {
    /// Makes a tenant, a client in it, and obtains a token for the client.
    ///
    /// # Errors
    /// What the host refused.
    pub async fn create(operator: &Caller, id: &str) -> Outcome<Self> {
        let tenant = json!({ "id": id, "name": format!("Tenant {id}") });
        operator.post("/manage/tenants", &tenant).await?.succeeded()?;
        let client = operator
            .post(&format!("/manage/tenants/{id}/clients"), &json!({ "name": "administration" }))
            .await?
            .succeeded()?;
        let (id_of_client, secret) = (text(&client, "clientId")?, text(&client, "clientSecret")?);
        let nobody = Caller::nobody(operator.base())?;
        let token = Self::token(&nobody, &id_of_client, &secret).await?;
        Ok(Self { id: id.to_owned(), caller: nobody.with_token(&token) })
    }

    /// Obtains a token with a client's credentials.
    ///
    /// # Errors
    /// That the host refused.
    pub async fn token(nobody: &Caller, client: &str, secret: &str) -> Outcome<String> {
        let request = nobody
            .request(Method::POST, "/oauth/token")
            .basic_auth(client, Some(secret))
            .form(&[("grant_type", "client_credentials")]);
        text(&nobody.send(request).await?.succeeded()?, "access_token")
    }

    /// Uploads a component.
    ///
    /// # Errors
    /// That the host refused it.
    pub async fn upload(&self, component: &Path) -> Outcome<Uploaded> {
        let bytes =
            fs::read(component).map_err(Failure::of(format!("{} cannot be read", component.display())))?;
        let answer = self.caller.upload(bytes).await?.succeeded()?;
        Ok(Uploaded {
            plugin: text(&answer["plugin"], "name")?,
            release: text(&answer["release"], "digest")?,
            answer,
        })
    }

    /// Grants what the manifest of a release asks for, with these hosts.
    ///
    /// # Errors
    /// That the host refused.
    pub async fn grant(&self, uploaded: &Uploaded, hosts: &[&str]) -> Outcome<Value> {
        let manifest = &uploaded.answer["release"]["manifest"];
        let names = |list: &Value| -> Vec<Value> {
            list.as_array().into_iter().flatten().map(|entry| entry["name"].clone()).collect()
        };
        let capabilities = names(&manifest["capabilities"]);
        let storage_bytes = if capabilities.contains(&json!("storage")) { 1_000_000 } else { 0 };
        let permissions = json!({
            "capabilities": capabilities,
            "hosts": hosts,
            "methods": [],
            "storageBytes": storage_bytes,
            "secrets": names(&manifest["secrets"]),
        });
        self.grant_only(uploaded, &permissions).await?.succeeded()
    }

    /// Grants permissions for a release.
    ///
    /// # Errors
    /// That there was no answer.
    pub async fn grant_only(&self, uploaded: &Uploaded, permissions: &Value) -> Outcome<Answer> {
        let body = json!({ "release": uploaded.release, "permissions": permissions });
        self.caller.put(&format!("/manage/plugins/{}/grant", uploaded.plugin), &body).await
    }

    /// Links an instance and answers its id.
    ///
    /// # Errors
    /// That the host refused.
    pub async fn link(&self, link: &NewLink) -> Outcome<String> {
        text(&self.try_link(link).await?.succeeded()?, "id")
    }

    /// Tries to link an instance.
    ///
    /// # Errors
    /// That there was no answer.
    pub async fn try_link(&self, link: &NewLink) -> Outcome<Answer> {
        let NewLink { name, plugin, settings, secrets, actions } = link;
        let mut body = json!({ "name": name, "plugin": plugin, "settings": settings, "secrets": secrets });
        if !actions.is_null() {
            body["actions"] = actions.clone();
        }
        self.caller.post("/manage/instances", &body).await
    }

    /// Has the plugin look whether an instance works.
    ///
    /// # Errors
    /// That the host refused.
    pub async fn test(&self, instance: &str) -> Outcome<Value> {
        self.caller.post(&format!("/manage/instances/{instance}/test"), &json!({})).await?.succeeded()
    }

    /// Schedules an instance by a cron line and answers the schedule.
    ///
    /// # Errors
    /// That the host refused.
    pub async fn schedule(&self, instance: &str, cron: &str) -> Outcome<Value> {
        let schedule = json!({ "instance": instance, "cron": cron });
        self.caller.post("/manage/schedules", &schedule).await?.succeeded()
    }

    /// Puts a run into the queue and answers its job.
    ///
    /// # Errors
    /// That the host refused.
    pub async fn start_run(&self, instance: &str) -> Outcome<String> {
        let answer = self.caller.post(&format!("/manage/instances/{instance}/run"), &json!({})).await?;
        text(&answer.succeeded()?, "job")
    }

    /// Runs an instance and answers the run when it is over and has no further attempt.
    ///
    /// # Errors
    /// That it did not come to its end in time.
    pub async fn run(&self, instance: &str) -> Outcome<Value> {
        let job = self.start_run(instance).await?;
        self.ended_run(&format!("job={job}")).await
    }

    /// Runs that match a query, the latest first.
    ///
    /// # Errors
    /// That the host refused.
    pub async fn runs(&self, query: &str) -> Outcome<Vec<Value>> {
        match self.caller.get(&format!("/manage/runs?{query}")).await?.succeeded()? {
            Value::Array(runs) => Ok(runs),
            other => Err(Failure::new(format!("/manage/runs did not answer a list: {other}"))),
        }
    }

    /// Waits for a run that matches a query and is over.
    ///
    /// # Errors
    /// That there is none in time, with the runs that there are.
    pub async fn ended_run(&self, query: &str) -> Outcome<Value> {
        self.run_where(query, |run| run["status"] != "running").await
    }

    /// Waits for a run that matches a query and a condition, the latest of them.
    ///
    /// # Errors
    /// That there is none in time, with the runs that there are.
    pub async fn run_where(&self, query: &str, is_it: impl Fn(&Value) -> bool) -> Outcome<Value> {
        let started = Instant::now();
        loop {
            let mut runs = self.runs(query).await?;
            if let Some(found) = runs.iter().position(&is_it) {
                return Ok(runs.swap_remove(found));
            }
            if started.elapsed() > RUN {
                let runs = Value::Array(runs);
                return Err(Failure::new(format!(
                    "no run of {query} is as it should be after {RUN:?}: {runs}"
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The lines of a run's log, each with its level.
    ///
    /// # Errors
    /// That the host refused.
    pub async fn log(&self, run: &Value) -> Outcome<Value> {
        let id = text(run, "id")?;
        self.caller.get(&format!("/manage/runs/{id}/log?from=0")).await?.succeeded()
    }

    /// Failed items of a status.
    ///
    /// # Errors
    /// That the host refused.
    pub async fn failed_items(&self, status: &str) -> Outcome<Vec<Value>> {
        let answer = self.caller.get(&format!("/manage/dead-letters?status={status}")).await?;
        match answer.succeeded()? {
            Value::Array(items) => Ok(items),
            other => Err(Failure::new(format!("/manage/dead-letters did not answer a list: {other}"))),
        }
    }
}

fn text(value: &Value, member: &str) -> Outcome<String> {
    let text = value[member].as_str().map(str::to_owned);
    text.ok_or_else(|| Failure::new(format!("there is no text `{member}` in {value}")))
}
