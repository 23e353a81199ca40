//! Passwords: what one must be, and the slow work of hashing and checking them.

use oubli_domain::{Code, Pii, Refusal};
use oubli_vault::VaultError;
use unicode_normalization::UnicodeNormalization;

use super::gate::Turn;
use crate::error::{Error, Result};
use crate::log::hex;
use crate::oubli::Oubli;

/// The shortest and the longest password, in characters (Unicode code points, after NFKC). NIST SP
/// 800-63B, section 3.1.1: long, no rules of composition, no expiry, nothing of a block list.
pub(crate) const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// What people choose first once twelve characters are asked for; compared without case.
const TOO_COMMON: &[&str] = &[
    "123456789012",
    "1234567890123",
    "12345678901234",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "abcdefghijkl",
    "adminadminadmin",
    "administrator",
    "changemechangeme",
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "iloveyouiloveyou",
    "letmeinletmein",
    "passwordpassword",
    "password1234",
    "password12345",
    "password123456",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdfghjkl",
    "welcome12345",
    "welcomewelcome",
];

/// The one form of a password, so that it is the same from every keyboard.
pub(super) fn normalised(password: &Pii<String>) -> Pii<String> {
    Pii::new(password.expose().nfkc().collect())
}

/// Whether a normalised password may be some user's: nobody's is longer.
pub(super) fn is_possible(password: &Pii<String>) -> bool {
    password.expose().chars().count() <= *LENGTH.end()
}

/// Checks a normalised password for the user of `name`. A refusal points at `place`.
pub(super) fn check(
    password: &Pii<String>,
    name: &str,
    place: &'static str,
) -> Result<(), Refusal> {
    let refused = |rule| Err(Refusal::new(Code::InvalidBody).at(place, rule));
    if !LENGTH.contains(&password.expose().chars().count()) {
        return refused("must be 12 to 128 characters");
    }
    let lower = Pii::new(password.expose().to_lowercase());
    let text = lower.expose();
    let one_character = text.chars().all(|c| text.starts_with(c));
    // What is left must be long enough without the words that an attacker tries first.
    let guessable =
        text.replace(name, "").replace("oubli", "").chars().count() < LENGTH.start() / 2;
    if one_character || guessable || TOO_COMMON.contains(&text.as_str()) {
        return refused("is too easily guessed");
    }
    Ok(())
}

/// A password that nobody chose: 120 random bits in groups that can be read out.
pub(super) fn temporary() -> Pii<String> {
    let digits = hex(&oubli_vault::random_bytes::<15>());
    let groups: Vec<&str> = (0..6).map(|n| &digits[n * 5..n * 5 + 5]).collect();
    Pii::new(groups.join("-"))
}

/// Hashes a password, in its turn and on a thread of its own.
pub(super) async fn hash(oubli: &Oubli, password: Pii<String>) -> Result<String> {
    let turn = oubli.password_gate().turn().await?;
    slow(oubli, turn, move || oubli_vault::hash_password(password.expose())).await.map(|(_, h)| h)
}

/// Whether `password` is the one that was hashed; without a hash, the same work for nothing. The
/// turn comes back, so that the caller ends it.
pub(super) async fn verify(
    oubli: &Oubli,
    turn: Turn,
    password: Pii<String>,
    hash: Option<String>,
) -> Result<(Turn, bool)> {
    slow(oubli, turn, move || match hash {
        Some(hash) => oubli_vault::verify_password(password.expose(), &hash),
        None => oubli_vault::verify_dummy(password.expose()),
    })
    .await
}

/// Runs `work` on a thread for blocking work. The turn goes along: a caller who goes away does not
/// let another in while the work still runs.
async fn slow<T: Send + 'static>(
    oubli: &Oubli,
    turn: Turn,
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<(Turn, T)> {
    let done = oubli.tasks().spawn_blocking(move || (turn, work())).await;
    let (turn, result) = done.map_err(|_| Error::TaskEnded("a password check"))?;
    Ok((turn, result?))
}
