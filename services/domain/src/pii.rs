//! [`Pii`]: personal data that cannot be printed by accident.

use std::fmt;

use zeroize::Zeroize;

/// Personal data in clear. It has no `Display`, its `Debug` shows nothing, and its memory is
/// overwritten on drop. Reading it takes a call to [`Pii::expose`], which a reviewer can search for.
#[derive(Clone, PartialEq, Eq)]
pub struct Pii<T: Zeroize>(T);

impl<T: Zeroize> Pii<T> {
    /// Wraps a value that must not be printed.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value in clear, for encryption or for the answer to an authorised read.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Pii<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pii(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::Pii;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let pii = Pii::new("ada@example.org".to_owned());
        assert_eq!(format!("{pii:?}"), "Pii(redacted)");
        assert_eq!(pii.expose(), "ada@example.org");
    }
}
