//! What the name of a field looks like: English, French and German words.

use crate::kind::{Kind, Kinds};

/// Words that stand in a name by themselves, or joined with the next one.
const WORDS: [(Kind, &[&str]); 5] = [
    (Kind::Email, &["email", "emails", "mail", "courriel"]),
    (
        Kind::Phone,
        &["phone", "phones", "telephone", "telefon", "tel", "mobile", "gsm", "handynummer"],
    ),
    (Kind::Iban, &["iban", "bankaccount", "kontonummer", "accountnumber"]),
    (Kind::Card, &["cardnumber", "creditcard", "kreditkarte", "cartebancaire"]),
    (Kind::Nir, &["nir", "nss", "insee", "socialsecurity", "securitesociale"]),
];

pub(crate) fn kinds(name: &str) -> Kinds {
    let words = words(name);
    let pairs = words.windows(2).map(<[String]>::concat);
    let candidates: Vec<String> = words.iter().cloned().chain(pairs).collect();
    let looks_like = |known: &[&str]| candidates.iter().any(|word| known.contains(&word.as_str()));
    WORDS.iter().filter(|(_, known)| looks_like(known)).map(|(kind, _)| *kind).collect()
}

/// `userEmail2`, `user_email_2` and `user-email` all have the word `email`, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in name.chars() {
        let begins = !c.is_ascii_alphabetic() || (after_small && c.is_ascii_uppercase());
        after_small = c.is_ascii_lowercase();
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphabetic()) {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
