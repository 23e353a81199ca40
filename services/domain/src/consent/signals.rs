//! Privacy signals that arrive with a consent event, kept as they came. They are evidence of what
//! a browser or a consent platform said; no signal changes a state by itself.

use crate::pii::Pii;
use crate::problem::{Code, Refusal};

/// The longest GPP string, in bytes.
pub const MAX_GPP: usize = 4_096;

/// The signals of one event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signals {
    /// Global Privacy Control: whether the request that the person made carried `Sec-GPC: 1`
    /// (W3C Global Privacy Control, section 3.1). None when nobody looked.
    pub gpc: Option<bool>,
    /// The string of the IAB Global Privacy Platform.
    pub gpp: Option<Gpp>,
}

impl Signals {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.gpc.is_none() && self.gpp.is_none()
    }
}

/// A GPP string, which tells what a person chose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gpp(Pii<String>);

impl Gpp {
    /// Checks the form of the IAB's "Global Privacy Platform String", section "GPP String Format":
    /// a header and sections with `~` between, each of base64url without padding, its sub-sections
    /// with `.` between. The header's first six bits are 3 (section "Header Encoding"), which a TCF
    /// string, often sent by mistake, has not. A header alone says that no section applies. What
    /// the sections mean is not read.
    ///
    /// # Errors
    /// `invalid-body` otherwise, and beyond [`MAX_GPP`].
    pub fn new(text: impl Into<String>) -> Result<Self, Refusal> {
        let text = Pii::new(text.into());
        if is_gpp(text.expose()) {
            return Ok(Self(text));
        }
        Err(Refusal::new(Code::InvalidBody).detail("A GPP string is like `DBABMA~…`."))
    }

    /// The string, for encryption or for the answer to an authorised read.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

fn is_gpp(text: &str) -> bool {
    // `D` is 3 in base64.
    text.len() <= MAX_GPP
        && text.starts_with('D')
        && text.split('~').enumerate().all(|(n, section)| {
            let mut parts = section.split('.');
            (n > 0 || !section.contains('.')) && parts.all(is_base64url)
        })
}

fn is_base64url(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Gpp, MAX_GPP, Signals};

    #[test]
    fn gpp_strings_have_a_header_and_sections() {
        let longest = format!("DBABMA~{}", "A".repeat(MAX_GPP - 7));
        for good in
            ["DBAA", "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAA.YAAA_AAA", "DBACNY~B.C~1YN-", &longest]
        {
            assert_eq!(Gpp::new(good).unwrap().expose(), good);
        }
        let too_long = format!("{longest}A");
        for bad in [
            "",
            "CPXxRfAPXxRfAAfKABENB",
            "DBABMA~",
            "~DBABMA",
            "DBABMA~~A",
            "DBABMA~A..B",
            "DBABMA~A.",
            "DB.ABMA~A",
            "DBABMA~A=",
            "DBABMA~A+B",
            "DBABMA~A/B",
            "DBABMA~A B",
            "DBABMA~\u{e9}",
            "DBABMA~A\n",
            &too_long,
        ] {
            assert!(Gpp::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_choice() {
        let signals = Signals { gpc: Some(true), gpp: Some(Gpp::new("DBABMA~CHOICE").unwrap()) };
        assert!(!format!("{signals:?}").contains("CHOICE"));
    }

    #[test]
    fn one_signal_is_enough() {
        let gpp = Some(Gpp::new("DBABMA~CHOICE").unwrap());
        assert!(Signals::default().is_empty());
        assert!(!Signals { gpc: Some(false), gpp: None }.is_empty());
        assert!(!Signals { gpc: None, gpp }.is_empty());
    }
}
