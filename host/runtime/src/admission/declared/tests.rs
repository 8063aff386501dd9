use serde_json::json;

use super::*;

fn good() -> contract::PluginManifest {
    contract::PluginManifest {
        name: "acme/erp".to_owned(),
        version: "1.2.3".to_owned(),
        kind: contract::Kind::Connector,
        title: "ERP".to_owned(),
        description: "Keeps records in step.".to_owned(),
        settings_schema: json!({ "type": "object", "properties": { "base-url": { "type": "string" } } })
            .to_string(),
        secrets: vec![contract::SecretDeclaration {
            name: "token".to_owned(),
            title: "Token".to_owned(),
            help: String::new(),
            required: true,
        }],
        credentials: vec![contract::CredentialDeclaration {
            name: "erp".to_owned(),
            scheme: contract::CredentialScheme::Bearer("token".to_owned()),
            hosts: vec!["{base-url}".to_owned()],
        }],
        hosts: vec![contract::HostDeclaration {
            pattern: "*.example.com".to_owned(),
            reason: "Reads invoices.".to_owned(),
        }],
        capabilities: vec![contract::Capability {
            name: "http".to_owned(),
            reason: "Calls the ERP.".to_owned(),
            required: true,
        }],
    }
}

type Change = fn(&mut contract::PluginManifest);

#[test]
fn a_manifest_that_keeps_the_rules_is_taken() {
    let taken = manifest(good()).unwrap();
    assert_eq!(taken.name.as_str(), "acme/erp");
    assert_eq!(taken.capabilities.len(), 1);
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let cases: [(Change, &str); 18] = [
        (|own| own.name = "erp".to_owned(), "`name`: "),
        (|own| own.version = "1.2".to_owned(), "`version`: "),
        (|own| own.kind = contract::Kind::PaymentGateway, "`kind` is not `connector`"),
        (|own| own.title.clear(), "`title` has 0 bytes"),
        (|own| own.settings_schema = "{".to_owned(), "is not JSON"),
        (|own| own.settings_schema = "{}".to_owned(), "does not describe an object"),
        (
            |own| own.settings_schema = json!({ "type": "object", "properties": 1 }).to_string(),
            "`settings-schema` cannot be used: ",
        ),
        (
            |own| {
                let schema = json!({ "type": "object", "$defs": { "x": { "$ref": "https://x.example/" } } });
                own.settings_schema = schema.to_string();
            },
            "`$ref` to `https://x.example/` does not lead to a place in the schema",
        ),
        (|own| own.secrets[0].name = "Token".to_owned(), "`Token` of `secrets` is not in kebab case"),
        (|own| own.secrets.push(own.secrets[0].clone()), "`token` is there twice in `secrets`"),
        (|own| own.secrets.clear(), "uses the secret `token`, which `secrets` does not declare"),
        (|own| own.credentials[0].hosts.clear(), "`credentials/erp` names no hosts"),
        (|own| own.credentials[0].hosts[0] = "{other}".to_owned(), "takes the setting `other`"),
        (|own| own.credentials[0].hosts[0] = "{base-url".to_owned(), "is not closed"),
        (|own| own.hosts[0].pattern = "https://example.com".to_owned(), "is not a host pattern"),
        (|own| own.capabilities[0].name = "files".to_owned(), "`capabilities/files` is no capability"),
        (|own| own.hosts = vec![own.hosts[0].clone(); 101], "`hosts` has 101 entries"),
        (
            |own| {
                own.credentials[0].scheme =
                    contract::CredentialScheme::ClientCredentials(contract::ClientCredentialsScheme {
                        token_url: "https://login.example.org/token".to_owned(),
                        client_id: "me".to_owned(),
                        client_secret: "token".to_owned(),
                        scope: None,
                        authentication: contract::ClientAuthentication::Basic,
                    });
            },
            "is at `login.example.org`, which `hosts` does not declare",
        ),
    ];
    for (change, expected) in cases {
        let mut own = good();
        change(&mut own);
        let mistakes = manifest(own).unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.contains(expected)), "{expected}: {mistakes:?}");
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let mut own = good();
    own.name.clear();
    own.version.clear();
    own.title.clear();
    assert_eq!(manifest(own).unwrap_err().len(), 3);
}
