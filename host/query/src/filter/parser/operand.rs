//! What stands between operators: literals, properties, functions, parentheses.

use super::{Parsed, Parser, Typed};
use crate::filter::family::Family;
use crate::filter::{Expression, FilterError, FilterErrorKind, Function};
use crate::lexer::{TokenKind, timestamp};
use crate::scalar::Scalar;

/// What the standard's language has besides, and what to write instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("substringof", "write contains(property, 'text')"),
    ("any", "a property that has many values equals what any of them equals: write tags eq 'a'"),
    ("all", "a condition on all values of a property is not offered"),
    ("matchespattern", "use contains, startswith or endswith"),
];

impl Parser<'_> {
    pub(super) fn factor(&mut self) -> Parsed<Typed> {
        let start = self.position();
        match self.peek() {
            TokenKind::Minus => {
                self.enter()?;
                self.at += 1;
                let operand = self.factor()?;
                self.depth -= 1;
                operand.negated(start)
            }
            TokenKind::Open => {
                self.enter()?;
                self.at += 1;
                let inner = self.or()?;
                self.close("`)`")?;
                self.depth -= 1;
                Ok(Typed { start, ..inner })
            }
            TokenKind::Literal(value) => {
                let literal = Typed::literal(value.clone(), start);
                self.at += 1;
                Ok(literal)
            }
            TokenKind::Prefixed { prefix, text } => {
                let literal = Typed::literal(self.prefixed(prefix, text)?, start);
                self.at += 1;
                Ok(literal)
            }
            TokenKind::Word(word) => {
                let word = word.clone();
                self.word(&word)
            }
            _ => Err(self.unexpected("a property, a literal or `(`")),
        }
    }

    fn word(&mut self, word: &str) -> Parsed<Typed> {
        let start = self.position();
        if self.peek_second() == Some(&TokenKind::Open) {
            return self.function(word);
        }
        if let Some(value) = keyword(word) {
            self.at += 1;
            return Ok(Typed::literal(value, start));
        }
        if let Some(property) = self.table.find(word).filter(|property| property.filterable) {
            self.at += 1;
            return Ok(Typed {
                family: Family::of_type(property.value_type),
                expression: Expression::Field(property.field()),
                start,
            });
        }
        Err(self.unknown_word(word))
    }

    fn unknown_word(&self, word: &str) -> FilterError {
        let is_operator = super::operator_names().iter().any(|name| name.eq_ignore_ascii_case(word));
        if is_operator || word.eq_ignore_ascii_case("not") {
            return self.syntax(format!("expected a property or a literal, found the operator `{word}`"));
        }
        if ["INF", "NaN"].iter().any(|name| name.eq_ignore_ascii_case(word)) {
            let message = format!("`{word}` is not offered: numbers are decimals");
            return FilterError::new(FilterErrorKind::Unsupported, self.position(), message);
        }
        let shown: String = word.chars().take(80).collect();
        let allowed = self.table.filterable_names();
        let message = format!(
            "{} have no property `{shown}` to filter by: use {}, or put a text in quotes",
            self.table.resource,
            allowed.join(", ")
        );
        FilterError::new(FilterErrorKind::UnknownProperty, self.position(), message)
            .about(Some(shown))
            .allowing(allowed)
    }

    fn function(&mut self, name: &str) -> Parsed<Typed> {
        let start = self.position();
        let is_now = name.eq_ignore_ascii_case("now");
        let Some(function) = Function::named(name) else {
            if is_now {
                self.at += 2;
                self.close("`)`: now() takes nothing")?;
                return Ok(Typed::literal(self.now.into(), start));
            }
            return Err(self.unknown_function(name));
        };
        self.count_calculation(start)?;
        self.enter()?;
        self.at += 2;
        let mut arguments = Vec::new();
        if *self.peek() != TokenKind::Close {
            loop {
                arguments.push(self.or()?);
                if *self.peek() != TokenKind::Comma {
                    break;
                }
                self.at += 1;
            }
        }
        self.close("`,` or `)`")?;
        self.depth -= 1;
        Typed::call(function, arguments, start)
    }

    fn unknown_function(&self, name: &str) -> FilterError {
        let last = name.rsplit('/').next().unwrap_or(name);
        let advice =
            ELSEWHERE.iter().find(|(known, _)| known.eq_ignore_ascii_case(last)).map(|(_, advice)| *advice);
        let allowed: Vec<_> = Function::ALL.iter().map(|function| function.name()).chain(["now"]).collect();
        let shown: String = name.chars().take(80).collect();
        let advice = advice.map_or_else(|| format!("use {}", allowed.join(", ")), str::to_owned);
        let message = format!("the function `{shown}` is not offered: {advice}");
        FilterError::new(FilterErrorKind::Unsupported, self.position(), message).allowing(allowed)
    }

    /// A literal in the form of older versions of the standard.
    fn prefixed(&self, prefix: &str, text: &str) -> Parsed<Scalar> {
        let is = |name: &str| prefix.eq_ignore_ascii_case(name);
        if is("datetime") || is("datetimeoffset") {
            return timestamp(text).map(Scalar::Timestamp).ok_or_else(|| {
                let shown: String = text.chars().take(40).collect();
                self.syntax(format!(
                    "'{shown}' is not a time: write datetime'2026-03-01' or, with colons, \
                     datetime'2026-03-01T09:30:00.000'"
                ))
            });
        }
        if is("guid") {
            return Ok(Scalar::Text(text.to_ascii_lowercase()));
        }
        let shown: String = prefix.chars().take(80).collect();
        let message =
            format!("literals of the form {shown}'…' are not offered, but datetime'…' and guid'…' are");
        Err(FilterError::new(FilterErrorKind::Unsupported, self.position(), message))
    }

    pub(super) fn list_item(&mut self) -> Parsed<Scalar> {
        let value = match self.peek() {
            TokenKind::Literal(value) => value.clone(),
            TokenKind::Prefixed { prefix, text } => self.prefixed(prefix, text)?,
            TokenKind::Word(word) => keyword(word).ok_or_else(|| {
                let message = "a list holds literals only: texts stand in quotes";
                FilterError::new(FilterErrorKind::Unsupported, self.position(), message)
            })?,
            _ => return Err(self.unexpected("a literal")),
        };
        self.at += 1;
        Ok(value)
    }

    fn close(&mut self, expected: &str) -> Parsed<()> {
        if *self.peek() != TokenKind::Close {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        Ok(())
    }
}

fn keyword(word: &str) -> Option<Scalar> {
    [("true", Scalar::Boolean(true)), ("false", Scalar::Boolean(false)), ("null", Scalar::Null)]
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|(_, value)| value)
}
