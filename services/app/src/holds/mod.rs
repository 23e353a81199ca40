//! Legal holds: setting and releasing them, looking at them, and what they forbid. Owns what a hold
//! does to a live person; what it keeps of one who is erased stands in `kept_items`.

mod guard;
mod release;
mod set;
mod view;
mod withheld;

pub(crate) use guard::{Guard, require_none};
pub use oubli_store::holds::{Filter, Released};
pub use release::{ReleasedHold, release};
pub use set::{NewHold, SetHold, set};
pub use view::{HoldInfo, get, list};
pub(crate) use withheld::withheld;

#[cfg(test)]
mod tests;
