//! The query of an address: named parameters, each once, none that nobody reads.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use mortise_query::PageRequest;
use mortise_query::page::PageStart;
use url::form_urlencoded;

use crate::problem::{Problem, kind};

/// The parameters of a query as they were sent.
#[derive(Debug, Clone)]
pub(crate) struct Parameters {
    path: String,
    pairs: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::of(parts.uri.path(), parts.uri.query().unwrap_or_default()))
    }
}

impl Parameters {
    /// The parameters of a query of a path.
    pub(crate) fn of(path: &str, query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { path: path.to_owned(), pairs }
    }

    /// Refuses parameters that are not in `names`, and those that stand twice. A name matches in any casing, and
    /// `$name` without its `$`.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), Problem> {
        for (place, (name, _)) in self.pairs.iter().enumerate() {
            if !names.iter().any(|known| is_called(known, name)) {
                let name: String = name.chars().take(80).collect();
                let detail = format!("there is no parameter `{name}` here: there are {}", names.join(", "));
                return Err(Problem::new(&kind::QUERY, detail).with("property", name).with("allowed", names));
            }
            let twice = self
                .pairs
                .iter()
                .take(place)
                .any(|(other, _)| is_called(name, other) || is_called(other, name));
            if twice {
                let detail = format!("the parameter `{name}` stands twice: pass it once");
                return Err(Problem::new(&kind::QUERY, detail).with("property", name.as_str()));
            }
        }
        Ok(())
    }

    /// The text of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| is_called(name, other)).map(|(_, text)| text.as_str())
    }

    /// The value of a parameter.
    pub(crate) fn value<T>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| {
            Problem::new(&kind::QUERY, format!("the parameter `{name}` is not valid: {error}"))
                .with("property", name)
        })
    }

    /// The value of a parameter that is one of a few words.
    pub(crate) fn word<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        words: &[&str],
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        serde_json::from_value(text.into()).map(Some).map_err(|_| {
            let detail = format!("the parameter `{name}` must be one of {}", words.join(", "));
            Problem::new(&kind::QUERY, detail).with("property", name).with("allowed", words)
        })
    }

    /// A page by number: `page` and `size`.
    pub(crate) fn page(&self) -> Result<PageRequest, Problem> {
        Ok(PageRequest::parse(self.text("page"), self.text("size"), None)?)
    }

    /// The same address with other parameters in place of those that choose the page.
    pub(crate) fn address_with(&self, replaced: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, text) in &self.pairs {
            if !["page", "after"].iter().any(|paging| is_called(paging, name)) {
                query.append_pair(name, text);
            }
        }
        for (name, text) in replaced {
            query.append_pair(name, text);
        }
        let query = query.finish();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    /// The `Link` header (RFC 8288) of a page by number, of a list that is not counted.
    pub(crate) fn links(&self, page: &PageRequest, more: bool) -> String {
        let number = match page.start() {
            PageStart::Number(number) => *number,
            PageStart::After(_) => 1,
        };
        let mut links = vec![link(&self.address_with(&[]), "first")];
        if number > 1 {
            links.push(link(&self.address_with(&[("page", &(number - 1).to_string())]), "prev"));
        }
        if more {
            links.push(link(&self.address_with(&[("page", &(number + 1).to_string())]), "next"));
        }
        links.join(", ")
    }
}

/// One link of a `Link` header.
pub(crate) fn link(address: &str, relation: &str) -> String {
    format!("<{address}>; rel=\"{relation}\"")
}

fn is_called(known: &str, name: &str) -> bool {
    known.eq_ignore_ascii_case(name)
        || known.strip_prefix('$').is_some_and(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_names_match_in_any_casing_and_without_the_dollar() {
        let parameters = Parameters::of("/x", "%24OrderBy=name&FILTER=a");
        assert!(parameters.only(&["$filter", "$orderby"]).is_ok());
        assert_eq!(parameters.text("$orderby"), Some("name"));
        assert_eq!(parameters.text("$filter"), Some("a"));
    }

    #[test]
    fn a_misspelt_or_repeated_parameter_is_refused() {
        for query in ["$fitler=a", "$filter=a&filter=b", "filter=a&$filter=b"] {
            let problem = Parameters::of("/x", query).only(&["$filter"]).unwrap_err();
            assert_eq!(problem.kind().code, "query.invalid", "{query}");
        }
    }

    #[test]
    fn links_keep_every_other_parameter() {
        let parameters = Parameters::of("/manage/runs", "status=failed&page=2&size=10");
        let page = parameters.page().unwrap();
        assert_eq!(
            parameters.links(&page, true),
            "</manage/runs?status=failed&size=10>; rel=\"first\", \
             </manage/runs?status=failed&size=10&page=1>; rel=\"prev\", \
             </manage/runs?status=failed&size=10&page=3>; rel=\"next\""
        );
    }
}
