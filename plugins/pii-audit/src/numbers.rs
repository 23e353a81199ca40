//! Numbers with a checksum. All take letters and digits without separators.

/// An IBAN: the length of its country and the remainder of ISO 7064, MOD 97-10.
pub(crate) fn is_iban(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let Some((country, rest)) = text.split_at_checked(2) else { return false };
    let length = IBAN_LENGTHS.iter().find(|(of, _)| *of == country).map(|(_, length)| *length);
    let (check, account) = rest.split_at_checked(2).unwrap_or_default();
    length == Some(text.len())
        && check.bytes().all(|b| b.is_ascii_digit())
        && remainder_97(&[account, country, check].concat()) == 1
}

/// The remainder by 97 of digits, letters counting from 10 for A.
fn remainder_97(text: &str) -> u32 {
    text.chars().filter_map(|c| c.to_digit(36)).fold(0, |rest, digit| {
        let shifted = if digit < 10 { rest * 10 } else { rest * 100 };
        (shifted + digit) % 97
    })
}

/// The lengths of IBAN in the SEPA area (EPC409-09) and its neighbours.
const IBAN_LENGTHS: [(&str, usize); 45] = [
    ("AD", 24),
    ("AL", 28),
    ("AT", 20),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("RS", 22),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("VA", 22),
];

/// A payment card: a prefix and length in use, and the digit of ISO/IEC 7812-1, annex B (Luhn).
pub(crate) fn is_card(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && has_card_length(text) && has_luhn_digit(text)
}

fn has_card_length(text: &str) -> bool {
    let prefix: u32 = text.get(..4).and_then(|digits| digits.parse().ok()).unwrap_or_default();
    match prefix {
        3400..=3499 | 3700..=3799 => text.len() == 15,
        2221..=2720 | 5100..=5599 => text.len() == 16,
        3000..=3059 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&text.len()),
        3528..=3589 | 6000..=6999 => (16..=19).contains(&text.len()),
        4000..=4999 => matches!(text.len(), 16 | 19),
        _ => false,
    }
}

fn has_luhn_digit(text: &str) -> bool {
    let digits = text.bytes().rev().map(|b| u32::from(b - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A French social security number with its key: 97 less the remainder of the number by 97, where the
/// departments 2A and 2B count as 19 and 18.
pub(crate) fn is_nir(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let Some(department) = text.get(5..7).filter(|_| text.len() == 15) else { return false };
    let number = match department {
        "2A" => format!("{}19{}", &text[..5], &text[7..]),
        "2B" => format!("{}18{}", &text[..5], &text[7..]),
        _ => text,
    };
    let Ok(digits) = number.parse::<u64>() else { return false };
    has_nir_form(&number) && 97 - (digits / 100) % 97 == digits % 100
}

/// Sex (3, 4, 7 and 8 while the number is temporary), and a month: 1 to 12, or one of those that stand
/// for an unknown month (20, 30 to 42, 50 to 99).
fn has_nir_form(digits: &str) -> bool {
    let month: u32 = digits[3..5].parse().unwrap_or_default();
    digits.starts_with(['1', '2', '3', '4', '7', '8'])
        && matches!(month, 1..=12 | 20 | 30..=42 | 50..=99)
}

#[cfg(test)]
mod tests {
    use super::{is_card, is_iban, is_nir};

    #[test]
    fn a_changed_digit_is_found_out() {
        is_found_out("FR7630006000011234567890189", is_iban);
        is_found_out("DE89370400440532013000", is_iban);
        is_found_out("4111111111111111", is_card);
        is_found_out("255081416802538", is_nir);
        is_found_out("180122A00100143", is_nir);
    }

    fn is_found_out(number: &str, is: fn(&str) -> bool) {
        assert!(is(number), "{number}");
        let (start, last) = number.split_at(number.len() - 1);
        let changed = if last == "9" { "0" } else { "9" };
        assert!(!is(&format!("{start}{changed}")), "{number}");
    }
}
