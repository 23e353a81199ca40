//! The log of sign-ins: who, when, and how it ended. Neither a typed name nor a password nor a
//! network address is kept.

use oubli_domain::{EventId, Time, UserId};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into sign_ins (sign_in_id, user_id, day, at, outcome, tries) \
        values ($1, $2, $3, $4, $5, 1)";
    COUNT_UNKNOWN = "insert into sign_ins (sign_in_id, name_mac, day, at, outcome, tries) \
        values ($1, $2, $3, $4, $5, 1) on conflict (name_mac, day) \
        do update set tries = sign_ins.tries + 1, at = excluded.at";
    UNKNOWN_NAMES = "select count(*) from (select 1 from sign_ins where at >= $1 and day = $2 \
        and name_mac is not null limit $3) names";
    LIST = "select sign_in_id, user_id, at, outcome, tries from sign_ins \
        where sign_in_id > $1 and at >= $2 and at < $3 order by sign_in_id limit $4";
    LIST_OF = "select sign_in_id, user_id, at, outcome, tries from sign_ins \
        where user_id = $5 and sign_in_id > $1 and at >= $2 and at < $3 \
        order by sign_in_id limit $4";
    PURGE = "delete from sign_ins where sign_in_id in (select sign_in_id from sign_ins \
        where at < $1 order by at limit $2)";
}

const DAY: i64 = 86_400_000_000;
/// How many unknown names of a day (UTC) are counted each by itself. Anybody can try names: those
/// that follow are counted together, so that they cannot fill the database.
pub const UNKNOWN_NAMES_A_DAY: i64 = 1_000;
/// Stands for the MAC of the names that are counted together.
const FURTHER_NAMES: [u8; 32] = [0; 32];

/// How a sign-in ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A session was opened.
    Ok,
    /// The password was wrong, or a temporary one had expired.
    WrongPassword,
    /// The account was locked.
    Locked,
    /// The account was disabled.
    Disabled,
    /// Nobody has the name.
    UnknownName,
}

impl Outcome {
    const ALL: [Self; 5] =
        [Self::Ok, Self::WrongPassword, Self::Locked, Self::Disabled, Self::UnknownName];

    /// As stored and as shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::WrongPassword => "wrong-password",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
            Self::UnknownName => "unknown-name",
        }
    }
}

/// A sign-in that was tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignIn {
    /// Its id.
    pub id: EventId,
    /// Who it was; none for a name that nobody has.
    pub user: Option<UserId>,
    /// When; of those that are counted together, the last.
    pub at: Time,
    /// How it ended.
    pub outcome: Outcome,
    /// How often: more than once only for unknown names, counted within a day (UTC) by name, and
    /// together after [`UNKNOWN_NAMES_A_DAY`] names.
    pub tries: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    sign_in_id: Uuid,
    user_id: Option<Uuid>,
    at: i64,
    outcome: String,
    tries: i64,
}

impl Row {
    fn read(self) -> Result<SignIn> {
        let outcome = Outcome::ALL.into_iter().find(|o| o.as_str() == self.outcome);
        Ok(SignIn {
            id: EventId(self.sign_in_id),
            user: self.user_id.map(UserId),
            at: Time(self.at),
            outcome: outcome.ok_or(StoreError::Damaged("sign_ins.outcome"))?,
            tries: self.tries,
        })
    }
}

/// Remembers a sign-in of a user.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, user: UserId, outcome: Outcome, at: Time) -> Result<()> {
    let args = (EventId::fresh(at), user, at.0 / DAY, at, outcome.as_str());
    tx.execute_one(&INSERT, args).await
}

/// Counts a sign-in under a name that nobody has, by its MAC; after [`UNKNOWN_NAMES_A_DAY`] names,
/// all together.
///
/// # Errors
/// When the database fails.
pub async fn count_unknown(tx: &mut Tx, name_mac: &[u8; 32], at: Time) -> Result<()> {
    let (outcome, day) = (Outcome::UnknownName.as_str(), at.0 / DAY);
    let since = (day * DAY, day, UNKNOWN_NAMES_A_DAY);
    let (names,): (i64,) = tx.one(&UNKNOWN_NAMES, since).await?;
    let mac = if names < UNKNOWN_NAMES_A_DAY { name_mac } else { &FURTHER_NAMES };
    let args = (EventId::fresh(at), mac, day, at, outcome);
    tx.execute_one(&COUNT_UNKNOWN, args).await
}

/// Which sign-ins are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Query {
    /// Those of this user only.
    pub user: Option<UserId>,
    /// From this time on.
    pub from: Time,
    /// Before this time.
    pub to: Time,
    /// Those that follow this one.
    pub after: Option<EventId>,
    /// How many at most.
    pub limit: i64,
}

/// Sign-ins, oldest first.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<SignIn>> {
    let after = query.after.unwrap_or(EventId(Uuid::nil()));
    let (from, to, limit) = (query.from, query.to, query.limit);
    let rows = match query.user {
        None => conn.all::<Row>(&LIST, (after, from, to, limit)).await?,
        Some(user) => conn.all::<Row>(&LIST_OF, (after, from, to, limit, user)).await?,
    };
    rows.into_iter().map(Row::read).collect()
}

/// Deletes at most `limit` sign-ins from before `before`, and gives how many.
///
/// # Errors
/// When the database fails.
pub async fn purge(tx: &mut Tx, before: Time, limit: i64) -> Result<u64> {
    tx.execute(&PURGE, (before, limit)).await
}
