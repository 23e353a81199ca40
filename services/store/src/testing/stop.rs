//! A place where whoever comes by stands still in the middle of a transaction, so that a test can
//! kill a process there.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::db::Location;

/// The advisory lock that a stop on PostgreSQL waits for.
const LOCK: i64 = 7_301;
/// How many looks in a row must find the SQLite file being written to. Together they take two seconds,
/// more than a transaction does that only passes by, and less than the service lets one take.
const LOOKS: u32 = 80;
/// How long it is between two looks.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(25);
/// SQLite's code for a file that another connection writes to.
const BUSY: i32 = 5;

/// A trigger that does not return. On PostgreSQL it waits for a lock that this value holds; on
/// SQLite, which has nothing to wait for, it counts without end.
#[derive(Debug)]
pub struct Stop {
    table: &'static str,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Lite(SqliteConnection),
    Pg(PgConnection),
}

impl Stop {
    /// Stops whoever is about to `event` (`insert`, `update`, `delete`) a row of `table` for which
    /// `condition` holds, SQL over `new` and `old` that both engines read. One stop to a database.
    ///
    /// # Errors
    /// When the database cannot be reached or has no such table.
    pub async fn plant(
        at: &Location,
        event: &'static str,
        table: &'static str,
        condition: &'static str,
    ) -> sqlx::Result<Self> {
        let held = match at {
            Location::Sqlite(file) => {
                let mut conn = SqliteConnection::connect(&file.to_string_lossy()).await?;
                run(&mut conn, lite_trigger(event, table, condition)).await?;
                run(&mut conn, "PRAGMA busy_timeout = 0".to_owned()).await?;
                Held::Lite(conn)
            }
            Location::Postgres(url) => {
                let mut conn = PgConnection::connect(url).await?;
                let lock = format!("SELECT pg_advisory_lock({LOCK})");
                sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut conn).await?;
                let trigger = pg_trigger(event, table, condition);
                sqlx::raw_sql(AssertSqlSafe(trigger)).execute(&mut conn).await?;
                Held::Pg(conn)
            }
        };
        Ok(Self { table, held })
    }

    /// Whether somebody stands at the stop.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_reached(&mut self) -> sqlx::Result<bool> {
        match &mut self.held {
            // A transaction that only passes by is over soon.
            Held::Lite(conn) => {
                for _ in 0..LOOKS {
                    match run(conn, "BEGIN IMMEDIATE; ROLLBACK".to_owned()).await {
                        Ok(()) => return Ok(false),
                        Err(error) if is_busy(&error) => {}
                        Err(error) => return Err(error),
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(true)
            }
            Held::Pg(conn) => {
                let waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' \
                    AND NOT granted AND objid = $1 AND database = \
                    (SELECT oid FROM pg_database WHERE datname = current_database()))";
                sqlx::query_scalar(waiting)
                    .bind(sqlx::postgres::types::Oid(7_301))
                    .fetch_one(conn)
                    .await
            }
        }
    }

    /// Takes the stop away. Whoever stands there must have been killed on SQLite, and goes on on
    /// PostgreSQL.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lift(self) -> sqlx::Result<()> {
        let table = self.table;
        match self.held {
            Held::Lite(mut conn) => {
                run(&mut conn, "PRAGMA busy_timeout = 5000".to_owned()).await?;
                run(&mut conn, "DROP TRIGGER stop_here; DROP VIEW stop_for_ever".to_owned())
                    .await?;
                conn.close().await
            }
            Held::Pg(mut conn) => {
                let lift = format!(
                    "SELECT pg_advisory_unlock({LOCK}); DROP TRIGGER stop_here ON {table}; \
                     DROP FUNCTION stop_here"
                );
                sqlx::raw_sql(AssertSqlSafe(lift)).execute(&mut conn).await?;
                conn.close().await
            }
        }
    }
}

async fn run(conn: &mut SqliteConnection, sql: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.map(drop)
}

/// By the primary code, which is the low byte.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == BUSY)
}

fn lite_trigger(event: &str, table: &str, condition: &str) -> String {
    format!(
        "CREATE VIEW stop_for_ever AS WITH RECURSIVE n(x) AS \
         (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS x FROM n; \
         CREATE TRIGGER stop_here BEFORE {event} ON {table} WHEN {condition} \
         BEGIN SELECT x FROM stop_for_ever; END"
    )
}

fn pg_trigger(event: &str, table: &str, condition: &str) -> String {
    format!(
        "CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM pg_advisory_xact_lock({LOCK}); \
         IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER stop_here BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition}) \
         EXECUTE FUNCTION stop_here()"
    )
}
