//! What a database says of its own tables, in words that both engines share.

use std::collections::BTreeMap;

use oubli_store::Location;
use sqlx::{Connection, PgConnection, SqliteConnection};

/// A column as SQLite would store it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) nullable: bool,
}

/// An index that was made by name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) unique: bool,
    pub(crate) columns: Vec<String>,
}

/// A table.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) primary_key: Vec<String>,
    pub(crate) indexes: Vec<Index>,
}

impl Table {
    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c.name == column)
    }

    /// Whether the primary key or an index begins with these columns.
    pub(crate) fn is_led_by(&self, columns: &[&str]) -> bool {
        let led = |key: &[String]| key.iter().take(columns.len()).eq(columns);
        led(&self.primary_key) || self.indexes.iter().any(|index| led(&index.columns))
    }
}

/// The tables of a database by name, without those that migrations keep for themselves.
pub(crate) async fn tables(at: &Location) -> sqlx::Result<BTreeMap<String, Table>> {
    let (columns, keys) = match at {
        Location::Sqlite(file) => {
            let mut conn = SqliteConnection::connect(&file.to_string_lossy()).await?;
            let columns = sqlx::query_as(SQLITE_COLUMNS).fetch_all(&mut conn).await?;
            (columns, sqlx::query_as(SQLITE_KEYS).fetch_all(&mut conn).await?)
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::connect(url).await?;
            let columns = sqlx::query_as(POSTGRES_COLUMNS).fetch_all(&mut conn).await?;
            (columns, sqlx::query_as(POSTGRES_KEYS).fetch_all(&mut conn).await?)
        }
    };
    Ok(assembled(columns, keys))
}

/// Table, column, type, nullable; in order.
type ColumnRow = (String, String, String, bool);
/// Table, index, unique, primary, column; in order.
type KeyRow = (String, String, bool, bool, String);

const SQLITE_COLUMNS: &str = "select m.name, c.name, lower(c.type), c.\"notnull\" = 0 \
    from sqlite_master m join pragma_table_info(m.name) c \
    where m.type = 'table' and m.name not like '\\_%' escape '\\' \
    and m.name not like 'sqlite\\_%' escape '\\' order by m.name, c.cid";

const SQLITE_KEYS: &str = "select m.name, i.name, i.\"unique\" = 1, i.origin = 'pk', c.name \
    from sqlite_master m join pragma_index_list(m.name) i join pragma_index_info(i.name) c \
    where m.type = 'table' and m.name not like '\\_%' escape '\\' \
    and m.name not like 'sqlite\\_%' escape '\\' order by m.name, i.name, c.seqno";

const POSTGRES_COLUMNS: &str = "select table_name::text, column_name::text, data_type::text, \
    is_nullable = 'YES' from information_schema.columns \
    where table_schema = 'public' and table_name not like '\\_%' \
    order by table_name, ordinal_position";

const POSTGRES_KEYS: &str = "select t.relname::text, i.relname::text, x.indisunique, \
    x.indisprimary, a.attname::text from pg_index x \
    join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid \
    join pg_namespace n on n.oid = t.relnamespace \
    cross join lateral unnest(x.indkey) with ordinality as k (attnum, place) \
    join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum \
    where n.nspname = 'public' and t.relname not like '\\_%' \
    order by t.relname, i.relname, k.place";

fn assembled(columns: Vec<ColumnRow>, keys: Vec<KeyRow>) -> BTreeMap<String, Table> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for (table, name, kind, nullable) in columns {
        let column = Column { name, kind: stored_as(kind), nullable };
        tables.entry(table).or_default().columns.push(column);
    }
    for (table, name, unique, primary, column) in keys {
        let table = tables.entry(table).or_default();
        if primary {
            table.primary_key.push(column);
            continue;
        }
        match table.indexes.last_mut().filter(|index| index.name == name) {
            Some(index) => index.columns.push(column),
            None => table.indexes.push(Index { name, unique, columns: vec![column] }),
        }
    }
    for table in tables.values_mut() {
        table.indexes.sort();
    }
    tables
}

/// The SQLite type that holds what a PostgreSQL type holds. Others stay as they are, and differ.
fn stored_as(kind: String) -> String {
    match kind.as_str() {
        "bigint" | "boolean" => "integer".to_owned(),
        "bytea" | "uuid" => "blob".to_owned(),
        _ => kind,
    }
}
