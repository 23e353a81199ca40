//! What the store can fail with. No variant carries a value from a row or from a caller.

use oubli_domain::Refusal;
use sqlx::sqlite::SqliteError;

/// PostgreSQL's `lock_not_available`.
const LOCK_TIMEOUT: &str = "55P03";

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The transaction's own check refused: the caller gets this as it is.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A write touched another number of rows than it must. Nothing of its transaction was kept.
    #[error("{statement} touched {actual} rows instead of {expected}")]
    RowCount {
        /// The name of the statement.
        statement: &'static str,
        /// How many rows it must touch.
        expected: u64,
        /// How many it touched.
        actual: u64,
    },
    /// A unique constraint forbids the row. Callers that expect this match on it.
    #[error("{statement} met a row that is there already")]
    Duplicate {
        /// The name of the statement.
        statement: &'static str,
    },
    /// The disk has no room for what was to be written. Nothing of the transaction was kept.
    #[error("the disk of the database is full")]
    Full,
    /// The database cannot be written: its disk, or the server, is read-only. Nothing of the
    /// transaction was kept.
    #[error("the database is read-only")]
    ReadOnly,
    /// The database does not answer, or its queue is full: trying again may help.
    #[error("the database is not available: {reason}")]
    Unavailable {
        /// What happened, without values.
        reason: &'static str,
        /// The driver's error, where there is one.
        #[source]
        source: Option<sqlx::Error>,
    },
    /// Another transaction was in the way; the store tries again by itself up to its bound.
    #[error("the transaction met another one")]
    Contention,
    /// What the transaction was prepared from has changed since: nothing was written, and the
    /// caller prepares again.
    #[error("the rows changed since they were read")]
    Stale,
    /// A transaction went on after one of its statements had failed. Nothing of it was kept.
    #[error("a transaction went on after {statement} had failed")]
    Ignored {
        /// The name of the statement.
        statement: &'static str,
    },
    /// A stored value does not have the form it was written in.
    #[error("a stored value is damaged: {0}")]
    Damaged(&'static str),
    /// The statement failed for a reason that no caller can mend.
    #[error("{statement} failed: {}", describe(.source))]
    Database {
        /// The name of the statement.
        statement: &'static str,
        /// The driver's error. Its own text may quote values: it is not shown.
        source: sqlx::Error,
    },
    /// The schema and this binary do not fit.
    #[error("migration: {0}")]
    Migration(#[from] MigrationError),
    /// The database could not be opened.
    #[error("{0}")]
    Open(String),
    /// A write on a database that was opened to be looked at.
    #[error("the database was opened to be looked at: nothing is written")]
    LookOnly,
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database was migrated by a newer binary. Nothing was changed.
    #[error(
        "the {database} database has migration {version}, which this binary does not know: use a newer binary"
    )]
    Newer {
        /// `data` or `keys`.
        database: &'static str,
        /// The first unknown version.
        version: i64,
    },
    /// The database lacks migrations. Nothing was changed.
    #[error("the {database} database lacks {count} migrations: run `oubli migrate`")]
    Pending {
        /// `data` or `keys`.
        database: &'static str,
        /// How many are missing.
        count: usize,
    },
    /// An applied migration has another text than the one in this binary.
    #[error("migration {version} of the {database} database was applied with another text")]
    Changed {
        /// `data` or `keys`.
        database: &'static str,
        /// The version.
        version: i64,
    },
    /// A migration failed; it was rolled back.
    #[error("the migrations of the {database} database failed")]
    Failed {
        /// `data` or `keys`.
        database: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
}

impl StoreError {
    /// A driver's error, sorted by what can be done about it.
    pub(crate) fn from_sqlx(statement: &'static str, source: sqlx::Error) -> Self {
        match &source {
            sqlx::Error::Database(error) if error.is_unique_violation() => {
                Self::Duplicate { statement }
            }
            sqlx::Error::Database(error) => match trouble(error.as_ref()) {
                Some(Trouble::Contention) => Self::Contention,
                Some(Trouble::Full) => Self::Full,
                Some(Trouble::ReadOnly) => Self::ReadOnly,
                Some(Trouble::Unavailable(reason)) => {
                    Self::Unavailable { reason, source: Some(source) }
                }
                None => Self::Database { statement, source },
            },
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_) => {
                Self::Unavailable { reason: "the connection failed", source: Some(source) }
            }
            _ => Self::Database { statement, source },
        }
    }

    /// Whether the server, or the way to it, is not what it was: other connections may be lost too.
    pub(crate) fn is_of_the_server(&self) -> bool {
        match self {
            Self::Unavailable { source: Some(sqlx::Error::Database(error)), .. } => {
                error.code().is_some_and(|code| code.starts_with("57P0"))
            }
            Self::ReadOnly | Self::Unavailable { source: Some(_), .. } => true,
            _ => false,
        }
    }

    /// Whether another transaction held a row for longer than the bound.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { source: Some(sqlx::Error::Database(error)), .. }
                if error.code().as_deref() == Some(LOCK_TIMEOUT)
        )
    }
}

/// What stood in a statement's way and may be gone at the next try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trouble {
    Contention,
    Full,
    ReadOnly,
    Unavailable(&'static str),
}

fn trouble(error: &dyn sqlx::error::DatabaseError) -> Option<Trouble> {
    let code = error.code()?;
    if error.try_downcast_ref::<SqliteError>().is_some() {
        return sqlite_trouble(code.parse().ok()?);
    }
    postgres_trouble(&code)
}

/// By the primary code in the low byte; extended codes only say more (SQLite, "Result and Error
/// Codes").
fn sqlite_trouble(code: u32) -> Option<Trouble> {
    match code & 0xff {
        // busy, locked
        5 | 6 => Some(Trouble::Contention),
        8 => Some(Trouble::ReadOnly),
        10 => Some(Trouble::Unavailable("the disk failed")),
        13 => Some(Trouble::Full),
        14 => Some(Trouble::Unavailable("the file cannot be opened")),
        _ => None,
    }
}

/// By SQLSTATE (PostgreSQL, appendix A).
fn postgres_trouble(code: &str) -> Option<Trouble> {
    match code {
        // serialization failure, deadlock
        "40001" | "40P01" => Some(Trouble::Contention),
        // lock not available: another call holds the row for longer than the bound
        LOCK_TIMEOUT => Some(Trouble::Unavailable("a lock was not released")),
        // query cancelled, idle in transaction for longer than the bound
        "57014" | "25P03" => Some(Trouble::Unavailable("the server ended the transaction")),
        "53100" => Some(Trouble::Full),
        // a transaction that may only read: the server has become a standby, or was told to
        "25006" => Some(Trouble::ReadOnly),
        // out of memory, connection limit, shutdown
        "53200" | "53300" | "57P01" | "57P02" | "57P03" => {
            Some(Trouble::Unavailable("the server cannot write"))
        }
        _ => None,
    }
}

/// The kind, code and constraint of a driver's error, without its text.
fn describe(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => format!(
            "code {}, constraint {}",
            error.code().as_deref().unwrap_or("none"),
            error.constraint().unwrap_or("none")
        ),
        sqlx::Error::ColumnDecode { index, .. } => format!("column {index} does not decode"),
        sqlx::Error::ColumnNotFound(_) => "a column is missing".to_owned(),
        sqlx::Error::RowNotFound => "no row".to_owned(),
        _ => "driver error".to_owned(),
    }
}

/// The result of a store call.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::{Trouble, postgres_trouble, sqlite_trouble};

    #[test]
    fn extended_codes_of_sqlite_count_as_their_primary_ones() {
        // busy, busy snapshot, locked, locked shared cache
        for code in [5, 517, 6, 262] {
            assert_eq!(sqlite_trouble(code), Some(Trouble::Contention), "{code}");
        }
        // I/O, I/O at a sync, cannot open
        for code in [10, 1034, 14] {
            let found = sqlite_trouble(code);
            assert!(matches!(found, Some(Trouble::Unavailable(_))), "{code}");
        }
        // read-only, read-only after a move
        for code in [8, 1032] {
            assert_eq!(sqlite_trouble(code), Some(Trouble::ReadOnly), "{code}");
        }
        assert_eq!(sqlite_trouble(13), Some(Trouble::Full));
        // an error in the SQL, a foreign key, corruption
        for code in [1, 787, 11] {
            assert_eq!(sqlite_trouble(code), None, "{code}");
        }
    }

    #[test]
    fn what_the_server_ended_may_be_tried_again() {
        for code in ["40001", "40P01"] {
            assert_eq!(postgres_trouble(code), Some(Trouble::Contention), "{code}");
        }
        assert_eq!(postgres_trouble("53100"), Some(Trouble::Full));
        assert_eq!(postgres_trouble("25006"), Some(Trouble::ReadOnly));
        for code in ["25P03", "57014", "55P03", "57P01"] {
            let found = postgres_trouble(code);
            assert!(matches!(found, Some(Trouble::Unavailable(_))), "{code}");
        }
        // a syntax error; a foreign key
        for code in ["42601", "23503"] {
            assert_eq!(postgres_trouble(code), None, "{code}");
        }
    }
}
