//! A filter as text that parses to the same filter.

use std::fmt;

use chrono::SecondsFormat;

use crate::filter::{Arithmetic, Expression, Filter, Logical};
use crate::scalar::Scalar;

/// How tightly an expression holds together; what is looser than its place needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    Or,
    And,
    Not,
    Relation,
    Sum,
    Term,
    Factor,
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_at_least(f, &self.expression, Tightness::Or)
    }
}

fn write_at_least(f: &mut fmt::Formatter<'_>, expression: &Expression, needed: Tightness) -> fmt::Result {
    if tightness(expression) >= needed {
        write(f, expression)
    } else {
        f.write_str("(")?;
        write(f, expression)?;
        f.write_str(")")
    }
}

fn tightness(expression: &Expression) -> Tightness {
    match expression {
        Expression::Logical { operator: Logical::Or, .. } => Tightness::Or,
        Expression::Logical { operator: Logical::And, .. } => Tightness::And,
        Expression::Not(_) => Tightness::Not,
        Expression::Comparison { .. } | Expression::In { .. } => Tightness::Relation,
        Expression::Arithmetic { operator: Arithmetic::Add | Arithmetic::Sub, .. } => Tightness::Sum,
        Expression::Arithmetic { .. } => Tightness::Term,
        Expression::Literal(_) | Expression::Field(_) | Expression::Negate(_) | Expression::Call { .. } => {
            Tightness::Factor
        }
    }
}

fn write(f: &mut fmt::Formatter<'_>, expression: &Expression) -> fmt::Result {
    match expression {
        Expression::Literal(value) => write_literal(f, value),
        Expression::Field(field) => f.write_str(&field.name),
        Expression::Not(operand) => {
            f.write_str("not ")?;
            write_at_least(f, operand, Tightness::Not)
        }
        Expression::Negate(operand) => {
            f.write_str("-(")?;
            write(f, operand)?;
            f.write_str(")")
        }
        Expression::Logical { operator, left, right } => {
            let (first, second) = match operator {
                Logical::Or => (Tightness::Or, Tightness::And),
                Logical::And => (Tightness::And, Tightness::Not),
            };
            write_binary(f, left, first, operator.name(), right, second)
        }
        Expression::Comparison { operator, left, right } => {
            write_binary(f, left, Tightness::Sum, operator.name(), right, Tightness::Sum)
        }
        Expression::In { operand, list } => {
            write_at_least(f, operand, Tightness::Sum)?;
            f.write_str(" in (")?;
            write_separated(f, list, write_literal)?;
            f.write_str(")")
        }
        Expression::Arithmetic { operator, left, right } => {
            let (first, second) = match operator {
                Arithmetic::Add | Arithmetic::Sub => (Tightness::Sum, Tightness::Term),
                Arithmetic::Mul | Arithmetic::Div | Arithmetic::DivBy | Arithmetic::Mod => {
                    (Tightness::Term, Tightness::Factor)
                }
            };
            write_binary(f, left, first, operator.name(), right, second)
        }
        Expression::Call { function, arguments } => {
            write!(f, "{}(", function.name())?;
            write_separated(f, arguments, write)?;
            f.write_str(")")
        }
    }
}

fn write_binary(
    f: &mut fmt::Formatter<'_>,
    left: &Expression,
    first: Tightness,
    operator: &str,
    right: &Expression,
    second: Tightness,
) -> fmt::Result {
    write_at_least(f, left, first)?;
    write!(f, " {operator} ")?;
    write_at_least(f, right, second)
}

fn write_separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write_item: fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        write_item(f, item)?;
    }
    Ok(())
}

fn write_literal(f: &mut fmt::Formatter<'_>, value: &Scalar) -> fmt::Result {
    match value {
        Scalar::Null => f.write_str("null"),
        Scalar::Boolean(truth) => write!(f, "{truth}"),
        Scalar::Number(number) => write!(f, "{number}"),
        Scalar::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        Scalar::Timestamp(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        Scalar::Date(date) => write!(f, "{date}"),
        Scalar::Time(time) => write!(f, "{time}"),
    }
}
