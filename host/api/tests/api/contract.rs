//! The `OpenAPI` document as a promise that every answer is held to.

use axum::Router;
use serde_json::{Value, json};

use crate::call::{Answer, Call};

/// The document.
pub(crate) struct Contract(pub(crate) Value);

impl Contract {
    pub(crate) async fn of(router: &Router) -> Self {
        Self(Call::new("GET", "/openapi.json").send(router).await.json())
    }

    /// Every operation: method, path and what the document says of it.
    pub(crate) fn operations(&self) -> Vec<(String, String, Value)> {
        let paths = self.0["paths"].as_object().expect("the document has paths");
        let mut operations = Vec::new();
        for (path, item) in paths {
            for method in ["get", "put", "post", "delete", "patch"] {
                if let Some(operation) = item.get(method) {
                    operations.push((method.to_uppercase(), path.clone(), operation.clone()));
                }
            }
        }
        operations
    }

    /// Compares an answer with what the document says.
    ///
    /// # Panics
    /// When they differ.
    pub(crate) fn check(&self, method: &str, path: &str, answer: &Answer) {
        assert!(!answer.header("x-request-id").is_empty(), "an answer without a request id: {answer:?}");
        let found = self
            .operations()
            .into_iter()
            .find(|(other, template, _)| other == method && fits(template, path));
        let Some((_, template, operation)) = found else {
            assert!(answer.status >= 400, "{method} {path} is not in the document: {answer:?}");
            return;
        };
        let responses = &operation["responses"];
        let described = match responses.get(answer.status.to_string()) {
            Some(described) => described,
            None if answer.status >= 400 => &responses["default"],
            None => panic!("{method} {template} answers {}, which is not described", answer.status),
        };
        let media_type = answer.header("content-type").split(';').next().unwrap_or_default();
        let Some(content) = described.get("content") else {
            assert!(answer.body.is_empty(), "{method} {template}: a body is not described: {answer:?}");
            return;
        };
        if method == "HEAD" || media_type.ends_with("text") {
            return;
        }
        let schema = content.get(media_type).map(|content| &content["schema"]);
        let schema = schema.unwrap_or_else(|| panic!("{method} {template} answers {media_type}: {answer:?}"));
        let whole = json!({"allOf": [schema], "components": self.0["components"]});
        let validator = jsonschema::validator_for(&whole).expect("a schema of the document is valid");
        let body = answer.json();
        let errors: Vec<_> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{method} {template} {}: {errors:?} in {body}", answer.status);
    }
}

fn fits(template: &str, path: &str) -> bool {
    let path = if path.to_ascii_lowercase().starts_with("/api/") {
        path.to_ascii_lowercase()
    } else {
        path.to_owned()
    };
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
}
