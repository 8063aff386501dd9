//! The line that ends a comparison.

use std::fmt;

/// The side on which a ratio must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// The ratio is a cost.
    AtMost(f64),
    /// The ratio is a gain.
    AtLeast(f64),
}

/// A ratio beside its target, shown as `invoke ratio=1.12 target<=1.25`.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The benchmark, and after a dot the comparison where it has several: `sync.cpu`.
    pub name: String,
    /// What was measured over what it is compared with.
    pub ratio: f64,
    /// What it must be.
    pub bound: Bound,
}

impl Verdict {
    /// Whether the ratio is on the right side of its target.
    pub fn holds(&self) -> bool {
        match self.bound {
            Bound::AtMost(target) => self.ratio <= target,
            Bound::AtLeast(target) => self.ratio >= target,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, ratio, bound } = self;
        match bound {
            Bound::AtMost(target) => write!(f, "{name} ratio={ratio:.2} target<={target:.2}"),
            Bound::AtLeast(target) => write!(f, "{name} ratio={ratio:.2} target>={target:.2}"),
        }
    }
}

/// The value in the middle; `None` of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => values.get(middle).copied(),
        _ => Some(f64::midpoint(*values.get(middle - 1)?, *values.get(middle)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Verdict, median};

    #[test]
    fn a_verdict_is_one_line_that_names_the_target() {
        let verdict = Verdict { name: "sync.store".to_owned(), ratio: 0.713, bound: Bound::AtLeast(0.6) };
        assert_eq!(verdict.to_string(), "sync.store ratio=0.71 target>=0.60");
        assert!(verdict.holds());
    }

    #[test]
    fn a_cost_above_its_target_does_not_hold() {
        let verdict = Verdict { name: "invoke".to_owned(), ratio: 1.26, bound: Bound::AtMost(1.25) };
        assert!(!verdict.holds());
    }

    #[test]
    fn the_median_of_an_even_count_is_between_the_two_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 2.0, 4.0]), Some(3.0));
        assert_eq!(median(vec![5.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }
}
