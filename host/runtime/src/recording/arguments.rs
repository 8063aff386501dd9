//! What a plugin asked a host function, as far as it has to be known again.

use serde::Serialize;

use super::frame::{self, Mark};
use crate::bounds::{RECORDED_ABOUT, cut};

/// The arguments of one call of a host function: a few words for a person, and a mark of each.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(super) about: String,
    pub(super) parts: Vec<(&'static str, Mark)>,
}

impl Arguments {
    /// Tells a person which call this is. Never holds a secret: an address comes without its query.
    pub(crate) fn about(&mut self, about: impl Into<String>) -> &mut Self {
        self.about = cut(about.into(), RECORDED_ABOUT);
        self
    }

    /// An argument, or a part of one that is compared by itself.
    pub(crate) fn part(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> &mut Self {
        self.parts.push((name, frame::mark(value)));
        self
    }
}
