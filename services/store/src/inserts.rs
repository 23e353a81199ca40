//! Inserts of one row or of many, from one list of columns.
//!
//! Every statement costs a round trip: to the server, or to the thread on which SQLite runs. So many
//! rows go by few statements. PostgreSQL takes them all in one, as an array for each column; SQLite
//! as lists of values of a few fixed lengths, so that few statements are prepared and then used again.
//! Where fewer rows come than a list has places, the values of the other places are not bound, and so
//! NULL: rows without a key, which the statement leaves out.

use std::sync::OnceLock;

use crate::args::{Args, Rows};
use crate::conn::Tx;
use crate::error::{Result, StoreError};
use crate::statement::Statement;

/// How many rows a statement takes on SQLite, the fewest first.
const LENGTHS: [usize; 4] = [1, 8, 32, MOST];
const MOST: usize = 128;

/// An insert into one table.
#[derive(Debug)]
pub(crate) struct Insert {
    pub(crate) name: &'static str,
    table: &'static str,
    /// Each with its type on PostgreSQL.
    columns: &'static [(&'static str, &'static str)],
    /// What follows the rows, such as what happens on a conflict.
    then: &'static str,
    /// One statement for each of [`LENGTHS`], made when it is first asked for.
    statements: OnceLock<[Statement; LENGTHS.len()]>,
}

/// Declares the inserts of a module, and `INSERTS`, the list of them that the describe test walks.
/// A column stands with its type on PostgreSQL.
macro_rules! inserts {
    ($($name:ident = $table:literal ($($column:ident $type:ident),*) $(then $then:literal)?;)*) => {
        $(static $name: $crate::inserts::Insert = $crate::inserts::Insert::new(
            concat!(module_path!(), "::", stringify!($name)),
            $table,
            &[$((stringify!($column), stringify!($type))),*],
            concat!($($then)?),
        );)*
        /// Every insert of this module.
        pub(crate) static INSERTS: &[&$crate::inserts::Insert] = &[$(&$name),*];
    };
}
pub(crate) use inserts;

impl Insert {
    pub(crate) const fn new(
        name: &'static str,
        table: &'static str,
        columns: &'static [(&'static str, &'static str)],
        then: &'static str,
    ) -> Self {
        Self { name, table, columns, then, statements: OnceLock::new() }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when it is there.
    pub(crate) async fn one(&self, tx: &mut Tx, row: impl Args) -> Result<()> {
        let [single, ..] = self.statements();
        tx.execute_one(single, row).await
    }

    /// Adds rows, which may be none.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when one of them is there, or two are one.
    pub(crate) async fn all<R>(&self, tx: &mut Tx, rows: Vec<R>) -> Result<()>
    where
        R: Send,
        Rows<R>: Args,
    {
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let (statement, most) = self.fitting(rows.len(), tx.is_lite());
            let some = Rows(rows.by_ref().take(most).collect());
            let expected = some.0.len() as u64;
            let actual = tx.execute(statement, some).await?;
            if actual != expected {
                return Err(StoreError::RowCount { statement: self.name, expected, actual });
            }
        }
        Ok(())
    }

    /// The statement that takes so many rows, or the most of them, and how many it can take.
    fn fitting(&self, rows: usize, lite: bool) -> (&Statement, usize) {
        let [single, .., most] = self.statements();
        if !lite {
            return if rows == 1 { (single, 1) } else { (most, rows) };
        }
        let mut all = self.statements().iter().zip(LENGTHS);
        all.find(|(_, length)| *length >= rows).unwrap_or((most, MOST))
    }

    /// Its statements, one for each of [`LENGTHS`].
    pub(crate) fn statements(&self) -> &[Statement; LENGTHS.len()] {
        self.statements.get_or_init(|| LENGTHS.map(|length| self.statement(length)))
    }

    /// The texts are made once and stay for as long as the process runs, like those that are written
    /// out.
    fn statement(&self, length: usize) -> Statement {
        let columns: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let (table, columns) = (self.table, columns.join(", "));
        let into = format!("insert into {table} ({columns})");
        let numbered = |n: usize| format!("${}", n + 1);
        let values: Vec<String> = (0..self.columns.len()).map(numbered).collect();
        let arrays = self.columns.iter().enumerate();
        let arrays = arrays.map(|(n, (_, kind))| format!("cast(${} as {kind}[])", n + 1));
        let (lite, pg) = if length == 1 {
            let single = format!("values ({})", values.join(", "));
            (single.clone(), single)
        } else {
            let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
            let arrays: Vec<String> = arrays.collect();
            let rows = vec![row; length].join(", ");
            let bound = "where column1 is not null";
            (
                format!("select * from (values {rows}) {bound}"),
                format!("select * from unnest({})", arrays.join(", ")),
            )
        };
        let text = |rows: String| &*format!("{into} {rows} {}", self.then).leak();
        Statement { name: self.name, lite: text(lite), pg: text(pg), anew: false }
    }
}
