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
fn a_credential_that_goes_where_the_plugin_does_not_is_refused() {
    let hosts = |credential: &str, declared: &[&str]| {
        let mut own = good();
        own.credentials[0].hosts = vec![credential.to_owned()];
        let declaration = |pattern: &&str| contract::HostDeclaration {
            pattern: (*pattern).to_owned(),
            reason: "Reads invoices.".to_owned(),
        };
        own.hosts = declared.iter().map(declaration).collect();
        manifest(own).err().unwrap_or_default().join("; ")
    };
    for (credential, declared, is_taken) in [
        ("api.example.com", &["api.example.com"][..], true),
        ("api.example.com", &["other.example.com", "*.example.com"], true),
        ("api.example.com", &["{base-url}"], true),
        ("{base-url}", &["{base-url}"], true),
        ("{base-url}", &["*.example.com"], true),
        ("{base-url}.example.com", &["*.example.com"], true),
        ("{base-url}.example.com", &["api.example.com"], true),
        ("api-{base-url}.eu.example.com", &["*.example.com"], true),
        ("api.example.com", &["other.example.com"], false),
        ("api.example.com", &["api.example.com:8443"], false),
        ("*.example.com", &["api.example.com"], false),
        ("{base-url}.example.com", &["*.example.org"], false),
        ("api.example.com", &["{base-url}.example.org"], false),
        ("{base-url}", &[], false),
    ] {
        let mistakes = hosts(credential, declared);
        let expected = format!(
            "`credentials/erp/hosts` has `{credential}`, which `hosts` does not declare: declare it there"
        );
        assert_eq!(mistakes.contains(&expected), !is_taken, "{credential} {declared:?}: {mistakes}");
        assert_eq!(mistakes.is_empty(), is_taken, "{credential} {declared:?}: {mistakes}");
    }
}

#[test]
fn a_token_endpoint_that_the_plugin_does_not_call_is_refused() {
    for (token_url, is_taken) in [
        ("https://login.example.com/token", true),
        ("{base-url}/token", true),
        ("https://{base-url}.example.com/token", true),
        ("https://login.example.com:8443/token", false),
        ("https://login.example.org/token", false),
        ("https://{base-url}.example.org/token", false),
    ] {
        let mut own = good();
        own.credentials[0].scheme =
            contract::CredentialScheme::ClientCredentials(contract::ClientCredentialsScheme {
                token_url: token_url.to_owned(),
                client_id: "me".to_owned(),
                client_secret: "token".to_owned(),
                scope: None,
                authentication: contract::ClientAuthentication::Basic,
            });
        let mistakes = manifest(own).err().unwrap_or_default().join("; ");
        assert_eq!(mistakes.contains("which `hosts` does not declare"), !is_taken, "{token_url}: {mistakes}");
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
