//! Tokens to a checked tree, by recursive descent:
//!
//! ```text
//! or       = and *( "or" and )
//! and      = unary *( "and" unary )
//! unary    = "not" unary / relation
//! relation = sum [ ( "eq" / "ne" / "gt" / "ge" / "lt" / "le" ) sum / "in" list ]
//! sum      = term *( ( "add" / "sub" ) term )
//! term     = factor *( ( "mul" / "div" / "divby" / "mod" ) factor )
//! factor   = literal / function / property / "(" or ")" / "-" factor
//! function = name "(" [ or *( "," or ) ] ")"
//! list     = "(" [ literal *( "," literal ) ] ")"
//! ```

mod operand;
mod typed;

use chrono::{DateTime, Utc};

use self::typed::Typed;
use crate::filter::{
    Arithmetic, Comparison, Expression, Filter, FilterError, FilterErrorKind, Logical, MAX_CALCULATIONS,
    MAX_COMPARISONS, MAX_DEPTH, MAX_ITEMS,
};
use crate::lexer::{MAX_TEXT, Token, TokenKind, tokens};
use crate::scalar::Scalar;
use crate::schema::PropertyTable;

type Parsed<T> = Result<T, FilterError>;

/// Reads a filter's text.
pub(super) fn parse(text: &str, table: &PropertyTable, now: DateTime<Utc>) -> Parsed<Filter> {
    if text.chars().nth(MAX_TEXT).is_some() {
        let message = format!("a filter has at most {MAX_TEXT} characters: split the query in several");
        return Err(FilterError::new(FilterErrorKind::TooComplex, MAX_TEXT, message));
    }
    let mut parser =
        Parser { tokens: tokens(text), at: 0, table, now, depth: 0, n_comparisons: 0, n_calculations: 0 };
    let condition = parser.or()?;
    match parser.peek() {
        TokenKind::End => Ok(Filter { expression: condition.condition()?.expression }),
        TokenKind::Close => Err(parser.syntax("this `)` closes nothing: remove it, or open it with `(`")),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser<'a> {
    /// Ends with a token that no rule takes.
    tokens: Vec<Token>,
    at: usize,
    table: &'a PropertyTable,
    now: DateTime<Utc>,
    depth: usize,
    n_comparisons: usize,
    n_calculations: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Parsed<Typed> {
        let mut left = self.and()?;
        while self.operator("or")? {
            let right = self.and()?;
            left = self.join(Logical::Or, left, right)?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Typed> {
        let mut left = self.unary()?;
        while self.operator("and")? {
            let right = self.unary()?;
            left = self.join(Logical::And, left, right)?;
        }
        Ok(left)
    }

    /// A condition that is a property or a literal alone counts as a comparison.
    fn join(&mut self, operator: Logical, left: Typed, right: Typed) -> Parsed<Typed> {
        for operand in [&left, &right] {
            if matches!(operand.expression, Expression::Field(_) | Expression::Literal(_)) {
                self.count_comparison(operand.start)?;
            }
        }
        left.joined(operator, right)
    }

    fn unary(&mut self) -> Parsed<Typed> {
        if !self.is_word("not") || self.table.find("not").is_some() {
            return self.relation();
        }
        let start = self.position();
        if !self.is_followed_by_space() && self.peek_second() != Some(&TokenKind::Open) {
            return Err(self.syntax("put a space after `not`"));
        }
        self.enter()?;
        self.at += 1;
        let operand = self.unary()?.condition()?;
        self.depth -= 1;
        Ok(Typed::condition_of(Expression::Not(Box::new(operand.expression)), start))
    }

    fn relation(&mut self) -> Parsed<Typed> {
        let left = self.sum()?;
        if self.operator("in")? {
            self.count_comparison(left.start)?;
            return left.among(self.list()?);
        }
        if let Some(operator) = self.operator_of(Comparison::named)? {
            self.count_comparison(left.start)?;
            let right = self.sum()?;
            let relation = left.compared(operator, right)?;
            if matches!(self.peek(), TokenKind::Word(word) if Comparison::named(word).is_some()) {
                return Err(
                    self.syntax("comparisons do not chain: join two of them with `and`, or use parentheses")
                );
            }
            return Ok(relation);
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed<Typed> {
        let mut left = self.term()?;
        let is_of_sums = |operator: &Arithmetic| matches!(operator, Arithmetic::Add | Arithmetic::Sub);
        while let Some(operator) = self.calculation(|word| Arithmetic::named(word).filter(is_of_sums))? {
            left = left.calculated(operator, self.term()?)?;
        }
        Ok(left)
    }

    fn term(&mut self) -> Parsed<Typed> {
        let mut left = self.factor()?;
        let is_of_terms = |operator: &Arithmetic| !matches!(operator, Arithmetic::Add | Arithmetic::Sub);
        while let Some(operator) = self.calculation(|word| Arithmetic::named(word).filter(is_of_terms))? {
            left = left.calculated(operator, self.factor()?)?;
        }
        Ok(left)
    }

    /// Steps over an arithmetic operator, if one is next, and counts it.
    fn calculation(&mut self, named: impl Fn(&str) -> Option<Arithmetic>) -> Parsed<Option<Arithmetic>> {
        let position = self.position();
        let operator = self.operator_of(named)?;
        if operator.is_some() {
            self.count_calculation(position)?;
        }
        Ok(operator)
    }

    fn peek(&self) -> &TokenKind {
        self.tokens.get(self.at).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn peek_second(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at + 1).map(|token| &token.kind)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |token| token.start)
    }

    fn is_word(&self, name: &str) -> bool {
        matches!(self.peek(), TokenKind::Word(word) if word.eq_ignore_ascii_case(name))
    }

    fn is_followed_by_space(&self) -> bool {
        self.tokens.get(self.at + 1).is_none_or(|next| next.is_apart || next.kind == TokenKind::End)
    }

    /// Steps over the operator of that name, if it is next.
    fn operator(&mut self, name: &str) -> Parsed<bool> {
        let found = self.operator_of(|word| word.eq_ignore_ascii_case(name).then_some(()))?;
        Ok(found.is_some())
    }

    /// Steps over an operator, if one is next. White space must stand on both sides.
    fn operator_of<T>(&mut self, named: impl Fn(&str) -> Option<T>) -> Parsed<Option<T>> {
        let Some(Token { kind, is_apart, .. }) = self.tokens.get(self.at) else { return Ok(None) };
        let word = match kind {
            TokenKind::Word(word) => word,
            TokenKind::Prefixed { prefix, .. } if named(prefix).is_some() => {
                return Err(self.syntax(format!("put a space after `{prefix}`")));
            }
            _ => return Ok(None),
        };
        let Some(operator) = named(word) else { return Ok(None) };
        if !is_apart {
            return Err(self.syntax(format!("put a space before `{word}`")));
        }
        if !self.is_followed_by_space() {
            return Err(self.syntax(format!("put a space after `{word}`")));
        }
        self.at += 1;
        Ok(Some(operator))
    }

    /// Goes one level deeper. The way back is `depth -= 1`; after an error nobody goes back.
    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("a filter nests at most {MAX_DEPTH} deep");
            return Err(FilterError::new(FilterErrorKind::TooComplex, self.position(), message));
        }
        Ok(())
    }

    fn count_comparison(&mut self, position: usize) -> Parsed<()> {
        self.n_comparisons += 1;
        if self.n_comparisons > MAX_COMPARISONS {
            let message = format!(
                "a filter has at most {MAX_COMPARISONS} comparisons: use `in`, or split the query in several"
            );
            return Err(FilterError::new(FilterErrorKind::TooComplex, position, message));
        }
        Ok(())
    }

    fn count_calculation(&mut self, position: usize) -> Parsed<()> {
        self.n_calculations += 1;
        if self.n_calculations > MAX_CALCULATIONS {
            let message = format!("a filter has at most {MAX_CALCULATIONS} functions and calculations");
            return Err(FilterError::new(FilterErrorKind::TooComplex, position, message));
        }
        Ok(())
    }

    fn syntax(&self, message: impl Into<String>) -> FilterError {
        FilterError::new(FilterErrorKind::Syntax, self.position(), message)
    }

    /// Says that the next token cannot stand there.
    fn unexpected(&self, expected: &str) -> FilterError {
        match self.peek() {
            TokenKind::Invalid(message) => self.syntax(message.clone()),
            TokenKind::Unsupported(message) => {
                FilterError::new(FilterErrorKind::Unsupported, self.position(), message.clone())
            }
            TokenKind::Word(word) if word.eq_ignore_ascii_case("has") => FilterError::new(
                FilterErrorKind::Unsupported,
                self.position(),
                "`has` is not offered: use `in`",
            )
            .allowing(operator_names()),
            TokenKind::Word(word) => {
                let word: String = word.chars().take(80).collect();
                let error = self.syntax(format!("expected {expected}, found `{word}`"));
                if expected.starts_with("an operator") { error.allowing(operator_names()) } else { error }
            }
            TokenKind::End => self.syntax(format!("the filter ends where {expected} should follow")),
            other => self.syntax(format!("expected {expected}, found {}", name_of(other))),
        }
    }

    /// The items of a list, each with its place in the text.
    fn list(&mut self) -> Parsed<Vec<(Scalar, usize)>> {
        if *self.peek() != TokenKind::Open {
            return Err(self.unexpected("a list in parentheses, such as ('a', 'b')"));
        }
        self.at += 1;
        let mut items = Vec::new();
        if *self.peek() == TokenKind::Close {
            self.at += 1;
            return Ok(items);
        }
        loop {
            if items.len() == MAX_ITEMS {
                let message = format!("a list has at most {MAX_ITEMS} items: split the query in several");
                return Err(FilterError::new(FilterErrorKind::TooComplex, self.position(), message));
            }
            let position = self.position();
            items.push((self.list_item()?, position));
            match self.peek() {
                TokenKind::Comma => self.at += 1,
                TokenKind::Close => {
                    self.at += 1;
                    return Ok(items);
                }
                _ => return Err(self.unexpected("`,` or `)`")),
            }
        }
    }
}

fn operator_names() -> Vec<&'static str> {
    let comparisons = Comparison::ALL.iter().map(|operator| operator.name());
    let logical = Logical::ALL.iter().map(|operator| operator.name());
    let arithmetic = Arithmetic::ALL.iter().map(|operator| operator.name());
    comparisons.chain(["in"]).chain(logical).chain(arithmetic).collect()
}

fn name_of(token: &TokenKind) -> &'static str {
    match token {
        TokenKind::Open => "`(`",
        TokenKind::Close => "`)`",
        TokenKind::Comma => "`,`",
        TokenKind::Minus => "`-`",
        TokenKind::Literal(_) | TokenKind::Prefixed { .. } => "a literal",
        TokenKind::Word(_) => "a word",
        TokenKind::Invalid(_) | TokenKind::Unsupported(_) => "something else",
        TokenKind::End => "the end",
    }
}
