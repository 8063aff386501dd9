//! The value of an expression for a document. A boolean that is null is unknown.

use std::borrow::Cow;
use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::field::Cardinality;
use crate::filter::call::call;
use crate::filter::{Arithmetic, Comparison, Expression, Logical};
use crate::scalar::{Scalar, Sensitivity};
use crate::schema::ValueType;

/// Whether a condition is true of a document.
pub(super) fn is_true(condition: &Expression, document: &Value) -> bool {
    truth(condition, document) == Some(true)
}

fn truth(condition: &Expression, document: &Value) -> Option<bool> {
    match *evaluate(condition, document) {
        Scalar::Boolean(truth) => Some(truth),
        _ => None,
    }
}

fn evaluate<'a>(expression: &'a Expression, document: &Value) -> Cow<'a, Scalar> {
    let value = match expression {
        Expression::Literal(value) => return Cow::Borrowed(value),
        Expression::Field(field) => field.read(document),
        Expression::Not(operand) => truth(operand, document).map(|truth| !truth).into(),
        Expression::Negate(operand) => number(operand, document).map(|number| -number).into(),
        Expression::Logical { operator, left, right } => join(*operator, left, right, document).into(),
        Expression::Comparison { operator, left, right } => compare(*operator, left, right, document).into(),
        Expression::In { operand, list } => {
            let sensitivity = sensitivity(operand);
            list.iter().any(|item| equals(operand, item, sensitivity, document)).into()
        }
        Expression::Arithmetic { operator, left, right } => {
            let numbers = number(left, document).zip(number(right, document));
            numbers.and_then(|(left, right)| calculate(*operator, left, right)).into()
        }
        Expression::Call { function, arguments } => {
            let sensitivity =
                if arguments.iter().any(is_exact) { Sensitivity::Exact } else { Sensitivity::Folded };
            let values: Vec<_> = arguments.iter().map(|argument| evaluate(argument, document)).collect();
            call(*function, &values, sensitivity).unwrap_or(Scalar::Null)
        }
    };
    Cow::Owned(value)
}

/// Three-valued: what is unknown decides nothing.
fn join(operator: Logical, left: &Expression, right: &Expression, document: &Value) -> Option<bool> {
    let deciding = match operator {
        Logical::And => false,
        Logical::Or => true,
    };
    let left = truth(left, document);
    if left == Some(deciding) {
        return left;
    }
    let right = truth(right, document);
    if right == Some(deciding) { right } else { left.and(right) }
}

fn compare(operator: Comparison, left: &Expression, right: &Expression, document: &Value) -> bool {
    let sensitivity = if is_exact(left) { Sensitivity::Exact } else { sensitivity(right) };
    let holds = |is_wanted: fn(Ordering) -> bool| {
        let (left, right) = (evaluate(left, document), evaluate(right, document));
        left.compare(&right, sensitivity).is_some_and(is_wanted)
    };
    let equal = || {
        if is_many(right) {
            equals(right, &evaluate(left, document), sensitivity, document)
        } else {
            equals(left, &evaluate(right, document), sensitivity, document)
        }
    };
    match operator {
        Comparison::Eq => equal(),
        Comparison::Ne => !equal(),
        Comparison::Gt => holds(Ordering::is_gt),
        Comparison::Ge => holds(Ordering::is_ge),
        Comparison::Lt => holds(Ordering::is_lt),
        Comparison::Le => holds(Ordering::is_le),
    }
}

/// Whether `operand`, or any element of it, equals `value`. No element equals null.
fn equals(operand: &Expression, value: &Scalar, sensitivity: Sensitivity, document: &Value) -> bool {
    let same = |one: &Scalar| one.compare(value, sensitivity) == Some(Ordering::Equal);
    match operand {
        Expression::Field(field) if field.cardinality == Cardinality::Many => {
            let elements = field.read_all(document);
            if value.is_null() { elements.is_empty() } else { elements.iter().any(same) }
        }
        operand => {
            let operand = evaluate(operand, document);
            if value.is_null() { operand.is_null() } else { same(&operand) }
        }
    }
}

fn is_many(expression: &Expression) -> bool {
    matches!(expression, Expression::Field(field) if field.cardinality == Cardinality::Many)
}

fn sensitivity(expression: &Expression) -> Sensitivity {
    if is_exact(expression) { Sensitivity::Exact } else { Sensitivity::Folded }
}

/// Whether the text comes from a property that is compared as it stands.
fn is_exact(expression: &Expression) -> bool {
    match expression {
        Expression::Field(field) => field.value_type == ValueType::ExactText,
        Expression::Call { arguments, .. } => arguments.iter().any(is_exact),
        _ => false,
    }
}

fn number(expression: &Expression, document: &Value) -> Option<Decimal> {
    match *evaluate(expression, document) {
        Scalar::Number(number) => Some(number),
        _ => None,
    }
}

fn calculate(operator: Arithmetic, left: Decimal, right: Decimal) -> Option<Decimal> {
    match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Sub => left.checked_sub(right),
        Arithmetic::Mul => left.checked_mul(right),
        Arithmetic::Div | Arithmetic::DivBy => left.checked_div(right),
        Arithmetic::Mod => left.checked_rem(right),
    }
}
