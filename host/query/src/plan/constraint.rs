//! The conditions of a filter that an index can answer.

use std::borrow::Cow;
use std::ops::Bound;

use crate::field::{Cardinality, Field};
use crate::filter::{Comparison, Expression, Filter, Function, Logical};
use crate::index::{Index, IndexField};
use crate::plan::MAX_RANGES;
use crate::scalar::Scalar;
use crate::schema::ValueType;

/// The parts of a filter that must all hold; for each what it asks of one property, if it is of that kind.
pub(super) struct Conditions<'a> {
    parts: Vec<Option<Constraint<'a>>>,
}

/// What a condition asks of a property.
struct Constraint<'a> {
    field: &'a Field,
    demand: Demand<'a>,
}

enum Demand<'a> {
    /// It equals one of these.
    OneOf(Vec<Cow<'a, Scalar>>),
    /// It is greater, or greater or equal.
    Above(Bound<&'a Scalar>),
    /// It is less, or less or equal.
    Below(Bound<&'a Scalar>),
    /// It starts with a text.
    Prefix(&'a str),
    /// It is not null.
    Present,
}

/// The values that a property may have.
pub(super) struct Values<'a> {
    pub(super) values: Vec<Cow<'a, Scalar>>,
    /// The place of the condition, when keys of these values answer it wholly.
    pub(super) answered: Option<usize>,
}

/// The range in which a property must lie. It is not null.
pub(super) struct Bounds<'a> {
    pub(super) lower: Bound<&'a Scalar>,
    pub(super) upper: Bound<&'a Scalar>,
    /// In place of both.
    pub(super) prefix: Option<&'a str>,
    /// The places of the conditions that the range answers wholly.
    pub(super) answered: Vec<usize>,
}

/// How far keys of an index answer a condition on a property.
#[derive(PartialEq, Eq)]
enum Answer {
    /// Wholly.
    Whole,
    /// The keys have all that match, and more: the property compares as it stands, its keys are folded.
    Superset,
}

impl<'a> Conditions<'a> {
    pub(super) fn of(filter: Option<&'a Filter>) -> Self {
        let mut parts = Vec::new();
        if let Some(filter) = filter {
            collect(filter.expression(), &mut parts);
        }
        Self { parts }
    }

    /// Whether every condition is among those at these places.
    pub(super) fn are_all_in(&self, answered: &[usize]) -> bool {
        (0..self.parts.len()).all(|place| answered.contains(&place))
    }

    /// The values that the filter leaves to a field of an index, when it names them and there are not too many.
    pub(super) fn equal(&self, index: &Index, place: usize, n_prefixes: usize) -> Option<Values<'a>> {
        let field = index.fields.get(place)?;
        let is_array = index.many && place == 0;
        self.constraints().find_map(|(condition, constraint)| {
            let Demand::OneOf(values) = &constraint.demand else { return None };
            let answer = answer(constraint.field, *field, is_array)?;
            let fit = values.iter().all(|value| fits(value, field.value_type));
            let few = values.len().saturating_mul(n_prefixes) <= MAX_RANGES;
            let once = !is_array || matches!(values.as_slice(), [value] if !value.is_null());
            (fit && few && once).then(|| Values {
                values: values.clone(),
                answered: (answer == Answer::Whole).then_some(condition),
            })
        })
    }

    /// The range that the filter leaves to a field of an index.
    pub(super) fn bounds(&self, index: &Index, place: usize) -> Option<Bounds<'a>> {
        let field = index.fields.get(place)?;
        if index.many && place == 0 {
            return None;
        }
        let mut bounds =
            Bounds { lower: Bound::Unbounded, upper: Bound::Unbounded, prefix: None, answered: Vec::new() };
        let mut is_bounded = false;
        for (condition, constraint) in self.constraints() {
            let Some(answer) = answer(constraint.field, *field, false) else { continue };
            if bounds.take(&constraint.demand, &answer, field.value_type) {
                is_bounded = true;
                if answer == Answer::Whole {
                    bounds.answered.push(condition);
                }
            }
        }
        bounds.settle(self);
        is_bounded.then_some(bounds)
    }

    fn constraints(&self) -> impl Iterator<Item = (usize, &Constraint<'a>)> {
        self.parts.iter().enumerate().filter_map(|(place, part)| part.as_ref().map(|part| (place, part)))
    }
}

impl<'a> Bounds<'a> {
    /// Narrows the range by a demand. Whether it could.
    fn take(&mut self, demand: &Demand<'a>, answer: &Answer, value_type: ValueType) -> bool {
        match demand {
            Demand::Prefix(prefix) if self.prefix.is_none() => {
                self.prefix = Some(prefix);
                true
            }
            Demand::Present => true,
            Demand::Above(bound) if self.lower == Bound::Unbounded && *answer == Answer::Whole => {
                let fits = bound_fits(*bound, value_type);
                if fits {
                    self.lower = *bound;
                }
                fits
            }
            Demand::Below(bound) if self.upper == Bound::Unbounded && *answer == Answer::Whole => {
                let fits = bound_fits(*bound, value_type);
                if fits {
                    self.upper = *bound;
                }
                fits
            }
            _ => false,
        }
    }

    /// A prefix stands in place of other bounds, which it does not answer.
    fn settle(&mut self, conditions: &Conditions<'_>) {
        if self.prefix.is_some() {
            self.answered.retain(|place| {
                conditions.parts.get(*place).and_then(Option::as_ref).is_some_and(|constraint| {
                    matches!(constraint.demand, Demand::Prefix(_) | Demand::Present)
                })
            });
        }
    }
}

fn bound_fits(bound: Bound<&Scalar>, value_type: ValueType) -> bool {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => !value.is_null() && fits(value, value_type),
        Bound::Unbounded => false,
    }
}

/// How far keys of `index_field` answer a condition on `field`; None when not at all.
fn answer(field: &Field, index_field: IndexField, is_array: bool) -> Option<Answer> {
    if field.path != index_field.path || (field.cardinality == Cardinality::Many) != is_array {
        return None;
    }
    match (field.value_type, index_field.value_type) {
        (ValueType::ExactText, ValueType::Text) => Some(Answer::Superset),
        (of_field, of_index) => (of_field == of_index).then_some(Answer::Whole),
    }
}

/// Whether the value has a key of the type.
fn fits(value: &Scalar, value_type: ValueType) -> bool {
    match value {
        Scalar::Null => true,
        Scalar::Boolean(_) => value_type == ValueType::Boolean,
        Scalar::Number(_) => value_type == ValueType::Number,
        Scalar::Text(_) => matches!(value_type, ValueType::Text | ValueType::ExactText),
        Scalar::Timestamp(_) => value_type == ValueType::Timestamp,
        Scalar::Date(_) => value_type == ValueType::Date,
        Scalar::Time(_) => false,
    }
}

fn collect<'a>(expression: &'a Expression, parts: &mut Vec<Option<Constraint<'a>>>) {
    match expression {
        Expression::Logical { operator: Logical::And, left, right } => {
            collect(left, parts);
            collect(right, parts);
        }
        other => parts.push(constraint(other)),
    }
}

fn constraint(expression: &Expression) -> Option<Constraint<'_>> {
    let truth = |truth: bool| Demand::OneOf(vec![Cow::Owned(Scalar::Boolean(truth))]);
    match expression {
        Expression::Field(field) => Some(Constraint { field, demand: truth(true) }),
        Expression::Not(operand) => match operand.as_ref() {
            Expression::Field(field) => Some(Constraint { field, demand: truth(false) }),
            _ => None,
        },
        Expression::In { operand, list } => match operand.as_ref() {
            Expression::Field(field) => {
                Some(Constraint { field, demand: Demand::OneOf(list.iter().map(Cow::Borrowed).collect()) })
            }
            _ => None,
        },
        Expression::Comparison { operator, left, right } => match (left.as_ref(), right.as_ref()) {
            (Expression::Field(field), Expression::Literal(value)) => {
                demand(*operator, value).map(|demand| Constraint { field, demand })
            }
            (Expression::Literal(value), Expression::Field(field)) => {
                demand(operator.flipped(), value).map(|demand| Constraint { field, demand })
            }
            _ => None,
        },
        Expression::Call { function: Function::StartsWith, arguments } => match arguments.as_slice() {
            [Expression::Field(field), Expression::Literal(Scalar::Text(prefix))] => {
                Some(Constraint { field, demand: Demand::Prefix(prefix) })
            }
            _ => None,
        },
        _ => None,
    }
}

fn demand(operator: Comparison, value: &Scalar) -> Option<Demand<'_>> {
    Some(match operator {
        Comparison::Eq => Demand::OneOf(vec![Cow::Borrowed(value)]),
        Comparison::Ne => return value.is_null().then_some(Demand::Present),
        Comparison::Gt => Demand::Above(Bound::Excluded(value)),
        Comparison::Ge => Demand::Above(Bound::Included(value)),
        Comparison::Lt => Demand::Below(Bound::Excluded(value)),
        Comparison::Le => Demand::Below(Bound::Included(value)),
    })
}
