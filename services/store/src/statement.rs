//! SQL as named constants, one text for both engines.

/// One SQL statement. Its name is used in errors and measurements.
#[derive(Debug)]
pub(crate) struct Statement {
    /// The constant's name with its module's.
    pub(crate) name: &'static str,
    /// The text that SQLite gets.
    pub(crate) lite: &'static str,
    /// The text that PostgreSQL gets; almost always the same one.
    pub(crate) pg: &'static str,
}

/// Declares the statements of a module, and `STATEMENTS`, the list of them that the describe test
/// walks. `NAME = "text"` serves both engines; `NAME = lite "…" pg "…"` is for SQL that truly differs,
/// `NAME = pg "…"` for what SQLite does in several statements.
macro_rules! statements {
    ($($name:ident = $(lite $lite:literal)? $(pg $pg:literal)? $($both:literal)?;)*) => {
        $(const $name: $crate::statement::Statement = $crate::statement::Statement {
            name: concat!(module_path!(), "::", stringify!($name)),
            lite: concat!($($both)? $($lite)?),
            pg: concat!($($both)? $($pg)?),
        };)*
        /// Every statement of this module.
        pub(crate) const STATEMENTS: &[$crate::statement::Statement] = &[$($name),*];
    };
}
pub(crate) use statements;
