//! Expressions with their types, put together with a check that the types meet.

use super::Parsed;
use crate::field::Cardinality;
use crate::filter::family::{Family, fit, fit_expression};
use crate::filter::{Arithmetic, Comparison, Expression, FilterError, FilterErrorKind, Function, Logical};
use crate::scalar::Scalar;

/// An expression, its type, and where it starts in the text.
pub(super) struct Typed {
    pub(super) expression: Expression,
    pub(super) family: Family,
    pub(super) start: usize,
}

impl Typed {
    pub(super) fn literal(value: Scalar, start: usize) -> Self {
        Self { family: Family::of_value(&value), expression: Expression::Literal(value), start }
    }

    pub(super) fn condition_of(expression: Expression, start: usize) -> Self {
        Self { expression, family: Family::Boolean, start }
    }

    /// The same, if it is a condition.
    pub(super) fn condition(self) -> Parsed<Self> {
        let is_condition = matches!(self.family, Family::Boolean | Family::Null);
        if !is_condition {
            let message = format!("{} and no condition: compare it, for example with eq", self.describe());
            return Err(self.mismatch(message));
        }
        self.single()
    }

    /// The same, unless it is a property that has many values.
    fn single(self) -> Parsed<Self> {
        match &self.expression {
            Expression::Field(field) if field.cardinality == Cardinality::Many => {
                let message = format!("`{}` has many values: it takes eq, ne and in alone", field.name);
                Err(self.mismatch(message))
            }
            _ => Ok(self),
        }
    }

    pub(super) fn joined(self, operator: Logical, right: Self) -> Parsed<Self> {
        let start = self.start;
        let (left, right) = (self.condition()?.boxed(), right.condition()?.boxed());
        Ok(Self::condition_of(Expression::Logical { operator, left, right }, start))
    }

    pub(super) fn compared(self, operator: Comparison, right: Self) -> Parsed<Self> {
        if !self.family.meets(right.family) {
            return Err(self.do_not_meet(&right));
        }
        let (left, right) = match operator {
            Comparison::Eq | Comparison::Ne if self.is_many() => (self, right.single()?),
            Comparison::Eq | Comparison::Ne if right.is_many() => (self.single()?, right),
            _ => (self.single()?, right.single()?),
        };
        let start = left.start;
        let left_fitted = fit_expression(left.expression, right.family);
        let left_family = family_after_fit(&left_fitted, left.family);
        let right = Box::new(fit_expression(right.expression, left_family));
        Ok(Self::condition_of(Expression::Comparison { operator, left: Box::new(left_fitted), right }, start))
    }

    pub(super) fn among(self, list: Vec<(Scalar, usize)>) -> Parsed<Self> {
        for (item, position) in &list {
            let item = Self::literal(item.clone(), *position);
            if !self.family.meets(item.family) {
                return Err(self.do_not_meet(&item));
            }
        }
        let list = list.into_iter().map(|(item, _)| fit(item, self.family)).collect();
        let start = self.start;
        Ok(Self::condition_of(Expression::In { operand: self.boxed(), list }, start))
    }

    pub(super) fn calculated(self, operator: Arithmetic, right: Self) -> Parsed<Self> {
        let start = self.start;
        let left = self.number(operator.name())?.boxed();
        let right = right.number(operator.name())?.boxed();
        Ok(Self {
            expression: Expression::Arithmetic { operator, left, right },
            family: Family::Number,
            start,
        })
    }

    pub(super) fn negated(self, start: usize) -> Parsed<Self> {
        let operand = self.number("-")?.boxed();
        Ok(Self { expression: Expression::Negate(operand), family: Family::Number, start })
    }

    pub(super) fn call(function: Function, arguments: Vec<Self>, start: usize) -> Parsed<Self> {
        let signature = function.signature();
        let (n_required, n_most) = (signature.n_required, signature.parameters.len());
        if !(n_required..=n_most).contains(&arguments.len()) {
            let wanted =
                if n_required == n_most { n_most.to_string() } else { format!("{n_required} or {n_most}") };
            let message =
                format!("{}() takes {wanted} argument(s), {} given", function.name(), arguments.len());
            return Err(FilterError::new(FilterErrorKind::Syntax, start, message));
        }
        let mut expressions = Vec::with_capacity(arguments.len());
        for (argument, parameter) in arguments.into_iter().zip(signature.parameters) {
            if !parameter.takes(argument.family) {
                let message =
                    format!("{}() takes {} here: {}", function.name(), parameter.name(), argument.describe());
                return Err(argument.mismatch(message));
            }
            expressions.push(argument.single()?.expression);
        }
        let expression = Expression::Call { function, arguments: expressions };
        Ok(Self { expression, family: signature.result, start })
    }

    fn number(self, operator: &str) -> Parsed<Self> {
        if !matches!(self.family, Family::Number | Family::Null) {
            let message = format!("`{operator}` takes numbers: {}", self.describe());
            return Err(self.mismatch(message));
        }
        self.single()
    }

    fn boxed(self) -> Box<Expression> {
        Box::new(self.expression)
    }

    fn is_many(&self) -> bool {
        matches!(&self.expression, Expression::Field(field) if field.cardinality == Cardinality::Many)
    }

    fn property(&self) -> Option<String> {
        match &self.expression {
            Expression::Field(field) => Some(field.name.clone().into_owned()),
            _ => None,
        }
    }

    /// A clause on what it is: "`total` is a number".
    fn describe(&self) -> String {
        match &self.expression {
            Expression::Field(field) => format!("`{}` is {}", field.name, self.family.name()),
            _ => format!("this is {}", self.family.name()),
        }
    }

    fn mismatch(&self, message: String) -> FilterError {
        FilterError::new(FilterErrorKind::TypeMismatch, self.start, message).about(self.property())
    }

    fn do_not_meet(&self, right: &Self) -> FilterError {
        let is_quoted = matches!(right.expression, Expression::Literal(Scalar::Text(_)));
        let advice = match (self.family, right.family) {
            (Family::Text, _) => ": put a text in quotes",
            (_, Family::Text) if is_quoted => ": write it without quotes",
            _ => "",
        };
        let message =
            format!("{} and does not compare with {}{advice}", self.describe(), right.family.name());
        let error = FilterError::new(FilterErrorKind::TypeMismatch, right.start, message);
        error.about(self.property().or_else(|| right.property()))
    }
}

/// The family of an expression that was a literal of another.
fn family_after_fit(expression: &Expression, before: Family) -> Family {
    match expression {
        Expression::Literal(value) => Family::of_value(value),
        _ => before,
    }
}
