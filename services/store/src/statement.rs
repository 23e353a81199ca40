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
    /// Whether it is prepared each time that it runs. A plan that PostgreSQL made while a table was
    /// small and then keeps may walk all of the table for each batch once it has grown: a list of a
    /// thousand is worth a plan of its own.
    pub(crate) anew: bool,
}

/// Declares the statements of a module, and `STATEMENTS`, the list of them that the describe test
/// walks. `NAME = "text"` serves both engines; `NAME = lite "…" pg "…"` is for SQL that truly differs.
/// `NAME [anew] = …` is prepared each time that it runs.
macro_rules! statements {
    ($($name:ident $([$anew:ident])? = $(lite $lite:literal pg $pg:literal)? $($both:literal)?;)*) => {
        $(const $name: $crate::statement::Statement = $crate::statement::Statement {
            name: concat!(module_path!(), "::", stringify!($name)),
            lite: concat!($($both)? $($lite)?),
            pg: concat!($($both)? $($pg)?),
            anew: !<[&str]>::is_empty(&[$(stringify!($anew))?]),
        };)*
        /// Every statement of this module.
        pub(crate) const STATEMENTS: &[$crate::statement::Statement] = &[$($name),*];
    };
}
pub(crate) use statements;
