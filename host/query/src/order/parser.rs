//! `$orderby` text to sort keys.

use super::{Direction, OrderError, OrderErrorKind, SortKey};
use crate::lexer::{MAX_TEXT, Token, TokenKind, tokens};
use crate::schema::PropertyTable;

/// Reads `$orderby` text: names of sortable properties joined by commas, each with `asc` or `desc` behind it or
/// neither. The leftmost weighs most.
///
/// # Errors
/// [`OrderError`] on the first mistake from the left.
pub fn parse(text: &str, table: &PropertyTable) -> Result<Vec<SortKey>, OrderError> {
    if text.chars().nth(MAX_TEXT).is_some() {
        let message = format!("an order has at most {MAX_TEXT} characters");
        return Err(OrderError::new(OrderErrorKind::TooComplex, MAX_TEXT, message));
    }
    let tokens = tokens(text);
    let mut tokens = tokens.iter();
    let mut order: Vec<SortKey> = Vec::new();
    loop {
        let (name, next) = (tokens.next(), tokens.as_slice().first());
        let (mut key, name_at) = sort_key(name, next, table)?;
        if order.iter().any(|earlier| earlier.field == key.field) {
            let message = format!("`{}` stands here twice: remove one", key.field.name);
            let mut error = OrderError::new(OrderErrorKind::RepeatedProperty, name_at, message);
            error.property = Some(key.field.name.into_owned());
            return Err(error);
        }
        let mut next = tokens.next();
        if let Some(Token { kind: TokenKind::Word(word), start, .. }) = next {
            key.direction = direction(word, *start)?;
            next = tokens.next();
        }
        order.push(key);
        match next.map(|token| &token.kind) {
            Some(TokenKind::Comma) => {}
            Some(TokenKind::End) | None => return Ok(order),
            Some(_) => return Err(unexpected(next, "`,` or the end")),
        }
    }
}

/// The sort key of a property's name, and where the name stands.
fn sort_key(
    token: Option<&Token>,
    next: Option<&Token>,
    table: &PropertyTable,
) -> Result<(SortKey, usize), OrderError> {
    let Some(Token { kind: TokenKind::Word(name), start, .. }) = token else {
        return Err(unexpected(token, "the name of a property"));
    };
    if next.is_some_and(|next| next.kind == TokenKind::Open) {
        return Err(OrderError::new(OrderErrorKind::Unsupported, *start, EXPRESSION));
    }
    if let Some(property) = table.find(name).filter(|property| property.sortable) {
        return Ok((SortKey { field: property.field(), direction: Direction::Ascending }, *start));
    }
    let shown: String = name.chars().take(80).collect();
    let allowed = table.sortable_names();
    let message = if allowed.is_empty() {
        format!("{} cannot be sorted", table.resource)
    } else {
        format!("{} have no property `{shown}` to sort by: use {}", table.resource, allowed.join(", "))
    };
    let error = OrderError::new(OrderErrorKind::UnknownProperty, *start, message);
    Err(OrderError { property: Some(shown), allowed, ..error })
}

fn direction(word: &str, start: usize) -> Result<Direction, OrderError> {
    if word.eq_ignore_ascii_case("asc") {
        return Ok(Direction::Ascending);
    }
    if word.eq_ignore_ascii_case("desc") {
        return Ok(Direction::Descending);
    }
    if OPERATORS.iter().any(|operator| operator.eq_ignore_ascii_case(word)) {
        return Err(OrderError::new(OrderErrorKind::Unsupported, start, EXPRESSION));
    }
    let shown: String = word.chars().take(80).collect();
    let message = format!("`{shown}` is no direction: write asc or desc, and a comma between properties");
    let error = OrderError::new(OrderErrorKind::InvalidDirection, start, message);
    Err(OrderError { allowed: vec!["asc", "desc"], ..error })
}

const EXPRESSION: &str =
    "documents are sorted by properties, not by expressions: write the name of a property";

/// What makes an expression of the name before it.
const OPERATORS: [&str; 15] =
    ["eq", "ne", "gt", "ge", "lt", "le", "in", "and", "or", "add", "sub", "mul", "div", "divby", "mod"];

fn unexpected(token: Option<&Token>, expected: &str) -> OrderError {
    let Some(Token { kind, start, .. }) = token else {
        return OrderError::new(OrderErrorKind::Syntax, 0, format!("expected {expected}"));
    };
    let (kind, message) = match kind {
        TokenKind::Open | TokenKind::Minus | TokenKind::Literal(_) | TokenKind::Prefixed { .. } => {
            (OrderErrorKind::Unsupported, EXPRESSION.to_owned())
        }
        TokenKind::Unsupported(message) => (OrderErrorKind::Unsupported, message.clone()),
        TokenKind::Invalid(message) => (OrderErrorKind::Syntax, message.clone()),
        TokenKind::End => (OrderErrorKind::Syntax, format!("the order ends where {expected} should follow")),
        TokenKind::Comma | TokenKind::Close | TokenKind::Word(_) => {
            (OrderErrorKind::Syntax, format!("expected {expected}"))
        }
    };
    OrderError::new(kind, *start, message)
}
