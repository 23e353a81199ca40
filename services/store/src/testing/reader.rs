//! Someone who reads a SQLite file for as long as a test likes.

use sqlx::{Connection, SqliteConnection};

use crate::db::Location;

/// A read transaction: what is written after it began cannot leave the write-ahead log.
#[derive(Debug)]
pub struct Reader(SqliteConnection);

impl Reader {
    /// Begins to read.
    ///
    /// # Errors
    /// When the database cannot be reached, or is no SQLite file.
    pub async fn open(at: &Location) -> sqlx::Result<Self> {
        let Location::Sqlite(file) = at else {
            return Err(sqlx::Error::Configuration("PostgreSQL has no such log".into()));
        };
        let mut conn = SqliteConnection::connect(&file.to_string_lossy()).await?;
        sqlx::raw_sql("BEGIN; SELECT count(*) FROM jobs").execute(&mut conn).await?;
        Ok(Self(conn))
    }

    /// Ends.
    ///
    /// # Errors
    /// When the connection cannot be closed.
    pub async fn close(self) -> sqlx::Result<()> {
        self.0.close().await
    }
}
