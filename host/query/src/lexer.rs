//! Text to tokens, for filters and orders.

use chrono::{DateTime, FixedOffset, NaiveTime, Utc};

use crate::scalar::{Scalar, date, decimal, midnight};

/// Longest text of a filter or an order, in characters.
pub const MAX_TEXT: usize = 4_096;

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// How many characters come before it.
    pub(crate) start: usize,
    /// Whether white space, or nothing, comes before it.
    pub(crate) is_apart: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A name or an operator. Names joined by `/` are one word.
    Word(String),
    /// A number, date, time, GUID or quoted text.
    Literal(Scalar),
    /// A word directly before a quoted text: `datetime'2026-03-01'`.
    Prefixed {
        prefix: String,
        text: String,
    },
    Open,
    Close,
    Comma,
    Minus,
    End,
    /// What is no token; the message says why and what to write instead.
    Invalid(String),
    /// What is a token of the standard's language only.
    Unsupported(String),
}

/// Splits a text. The last token is [`TokenKind::End`]; nothing follows a token that is not valid.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { characters: text.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    loop {
        let is_apart = lexer.skip_space() || lexer.at == 0;
        let start = lexer.at;
        let kind = lexer.next();
        let is_last = matches!(kind, TokenKind::End | TokenKind::Invalid(_) | TokenKind::Unsupported(_));
        tokens.push(Token { kind, start, is_apart });
        if is_last {
            return tokens;
        }
    }
}

struct Lexer {
    characters: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn skip_space(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(0), Some(' ' | '\t' | '\r' | '\n')) {
            self.at += 1;
        }
        self.at > start
    }

    fn next(&mut self) -> TokenKind {
        let Some(first) = self.peek(0) else { return TokenKind::End };
        match first {
            '(' => self.single(TokenKind::Open),
            ')' => self.single(TokenKind::Close),
            ',' => self.single(TokenKind::Comma),
            '\'' => {
                self.quoted().map_or_else(TokenKind::Invalid, |text| TokenKind::Literal(Scalar::Text(text)))
            }
            '-' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number_or_time(),
            '-' => self.single(TokenKind::Minus),
            _ if first.is_ascii_alphanumeric() && self.is_at_guid() => {
                let guid: String = self.take(GUID_LENGTH).to_ascii_lowercase();
                TokenKind::Literal(Scalar::Text(guid))
            }
            _ if first.is_ascii_digit() => self.number_or_time(),
            _ if first.is_alphabetic() || first == '_' => self.word(),
            '$' | '@' | '{' | '[' => TokenKind::Unsupported(format!(
                "`{first}` begins something that is not offered here: write property names and literals only"
            )),
            other => TokenKind::Invalid(refuse(other)),
        }
    }

    fn single(&mut self, kind: TokenKind) -> TokenKind {
        self.at += 1;
        kind
    }

    fn take(&mut self, length: usize) -> String {
        let taken: String = self.characters.iter().skip(self.at).take(length).collect();
        self.at += length;
        taken
    }

    fn take_while(&mut self, is_part: fn(char) -> bool) -> String {
        let taken: String =
            self.characters.iter().copied().skip(self.at).take_while(|next| is_part(*next)).collect();
        self.at += taken.chars().count();
        taken
    }

    fn word(&mut self) -> TokenKind {
        let word = self.take_while(|next| next.is_alphanumeric() || matches!(next, '_' | '/' | '.'));
        if self.peek(0) != Some('\'') {
            return TokenKind::Word(word);
        }
        match self.quoted() {
            Ok(text) => TokenKind::Prefixed { prefix: word, text },
            Err(message) => TokenKind::Invalid(message),
        }
    }

    /// A text in quotes, in which a doubled quote is a quote.
    fn quoted(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut text = String::new();
        while let Some(next) = self.peek(0) {
            self.at += 1;
            if next != '\'' {
                text.push(next);
            } else if self.peek(0) == Some('\'') {
                self.at += 1;
                text.push('\'');
            } else {
                return Ok(text);
            }
        }
        Err("the text that begins here does not end: close it with `'`, and write a quote in it twice"
            .to_owned())
    }

    fn number_or_time(&mut self) -> TokenKind {
        let run = self
            .take_while(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '.' | ':' | '+' | '-'));
        literal(&run).map_or_else(|| TokenKind::Invalid(not_a_literal(&run)), TokenKind::Literal)
    }

    fn is_at_guid(&self) -> bool {
        let shape = |place: usize| {
            self.peek(place).is_some_and(|next| match place {
                8 | 13 | 18 | 23 => next == '-',
                _ => next.is_ascii_hexdigit(),
            })
        };
        (0..GUID_LENGTH).all(shape)
            && !self
                .peek(GUID_LENGTH)
                .is_some_and(|next| next.is_alphanumeric() || matches!(next, '-' | '_' | '/' | '.'))
    }
}

const GUID_LENGTH: usize = 36;

fn refuse(character: char) -> String {
    let code = u32::from(character);
    match character {
        '‘' | '’' | '‚' | '‛' | '“' | '”' | '„' | '‟' | '′' | '″' | '‹' | '›' | '«' | '»' | '´' | '`' =>
        {
            format!(
                "`{character}` (U+{code:04X}) is a typographic quote: texts stand in straight quotes, 'so'"
            )
        }
        '"' => "texts stand in single quotes, 'so'".to_owned(),
        '=' | '<' | '>' | '!' => {
            format!("`{character}` is not an operator: write eq, ne, gt, ge, lt or le")
        }
        '&' | '|' => format!("`{character}` is not an operator: write and, or"),
        '+' | '*' | '%' | '/' => {
            format!("`{character}` is not an operator: write add, sub, mul, div, divby or mod")
        }
        other => format!("`{}` (U+{code:04X}) has no meaning outside a quoted text", other.escape_debug()),
    }
}

fn not_a_literal(run: &str) -> String {
    let run: String = run.chars().take(40).collect();
    format!(
        "`{run}` is neither a number of up to 28 digits (12.50), a date (2026-03-01), a timestamp \
         (2026-03-01T09:30:00Z), a time (09:30:00) nor a GUID"
    )
}

fn literal(run: &str) -> Option<Scalar> {
    if let Some(date) = date(run) {
        Some(date.into())
    } else if run.contains('T') {
        timestamp(run).map(Scalar::from)
    } else if run.contains(':') {
        time(run).map(Scalar::from)
    } else {
        decimal(run).map(Scalar::from)
    }
}

/// A date and time. UTC when it has no offset; midnight when it has no time.
pub(crate) fn timestamp(text: &str) -> Option<DateTime<Utc>> {
    if let Some(date) = date(text) {
        return Some(midnight(date));
    }
    let (day, rest) = text.split_once('T')?;
    let (clock, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(place) => (rest.get(..place)?, offset(rest.get(place..)?)?),
        None => (rest, FixedOffset::east_opt(0)?),
    };
    let local = date(day)?.and_time(time(clock)?);
    let utc = local.checked_sub_offset(offset)?.and_utc();
    (FIRST_YEAR..=LAST_YEAR).contains(&chrono::Datelike::year(&utc)).then_some(utc)
}

const FIRST_YEAR: i32 = 0;
const LAST_YEAR: i32 = 9_999;

fn offset(text: &str) -> Option<FixedOffset> {
    if text.eq_ignore_ascii_case("Z") {
        return FixedOffset::east_opt(0);
    }
    let (sign, clock) = text.split_at_checked(1)?;
    let two_digits =
        |part: &str| (part.len() == 2).then(|| decimal(part)).flatten().map(|_| part.parse::<i32>().ok());
    let (hours, minutes) = clock.split_once(':')?;
    let (hours, minutes) = (two_digits(hours)??, two_digits(minutes)??);
    let seconds = (hours * 60 + minutes) * 60;
    let is_valid = hours < 24 && minutes < 60;
    FixedOffset::east_opt(if sign == "-" { -seconds } else { seconds }).filter(|_| is_valid)
}

/// A time of day: hours and minutes, then seconds, then up to nine digits of a fraction.
fn time(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) =
        text.split_once('.').map_or((text, None), |(clock, fraction)| (clock, Some(fraction)));
    let shape =
        |(place, byte): (usize, u8)| if place % 3 == 2 { byte == b':' } else { byte.is_ascii_digit() };
    let is_clock = matches!(clock.len(), 5 | 8) && clock.bytes().enumerate().all(shape);
    let is_fraction = fraction.is_none_or(|digits| {
        clock.len() == 8
            && (1..=9).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !is_clock || !is_fraction {
        return None;
    }
    let format = if clock.len() == 5 { "%H:%M" } else { "%H:%M:%S%.f" };
    NaiveTime::parse_from_str(text, format).ok()
}
