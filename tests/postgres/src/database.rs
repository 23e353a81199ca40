//! Databases of a single test.

use anyhow::Context;

use crate::{say, sql};

/// What a name keeps of its prefix: PostgreSQL cuts names at 63 bytes, and 17 tell them apart.
const PREFIX_LENGTH: usize = 40;

/// An empty database that one test uses. Dropping it drops the database, with any connection that
/// is still open; a database that cannot be dropped is named on stderr and left.
#[derive(Debug)]
pub struct TestDatabase {
    maintenance_url: String,
    url: String,
    name: String,
}

/// The two databases of one installation.
#[derive(Debug)]
pub struct DatabasePair {
    /// The database for ciphertext, consents, requests and the log.
    pub data: TestDatabase,
    /// The database for wrapped keys and blind indexes.
    pub keys: TestDatabase,
}

impl DatabasePair {
    /// The URL of the `data` database.
    #[must_use]
    pub fn data_url(&self) -> &str {
        self.data.url()
    }

    /// The URL of the `keys` database.
    #[must_use]
    pub fn keys_url(&self) -> &str {
        self.keys.url()
    }
}

impl TestDatabase {
    pub(crate) async fn create(maintenance_url: &str, prefix: &str) -> anyhow::Result<Self> {
        let name = format!("{}_{:016x}", plain(prefix), getrandom::u64()?);
        sql::execute(maintenance_url, &format!("CREATE DATABASE {name}"))
            .await
            .with_context(|| format!("cannot create the test database {name}"))?;
        let url = with_database(maintenance_url, &name);
        Ok(Self { maintenance_url: maintenance_url.to_owned(), url, name })
    }

    /// The URL of the database, password included.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let url = self.maintenance_url.clone();
        let name = self.name.clone();
        // A thread with a runtime of its own: the test's runtime cannot be entered from a drop. It
        // is waited for, since the process may end right after.
        let dropped = std::thread::spawn(move || drop_database(&url, &name)).join();
        if !matches!(dropped, Ok(Ok(()))) {
            say(&format!("the database {} could not be dropped and stays", self.name));
        }
    }
}

fn drop_database(maintenance_url: &str, name: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    runtime.block_on(sql::execute(maintenance_url, &statement))
}

/// `prefix` as an identifier that needs no quotes.
fn plain(prefix: &str) -> String {
    let word: String = prefix
        .chars()
        .take(PREFIX_LENGTH)
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    format!("t_{word}")
}

/// `url` with its database replaced; parameters stay.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = match url.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let host_begins = address.find("://").map_or(0, |at| at + 3);
    let host_ends = address[host_begins..].find('/').map_or(address.len(), |at| host_begins + at);
    format!("{}/{name}{parameters}", &address[..host_ends])
}

#[cfg(test)]
mod tests {
    use super::{plain, with_database};

    #[test]
    fn the_database_of_a_url_is_replaced_and_the_rest_kept() {
        for (url, expected) in [
            ("postgres://u:p@h:5432/postgres", "postgres://u:p@h:5432/x"),
            ("postgres://u:p@h:5432", "postgres://u:p@h:5432/x"),
            ("postgres://h/", "postgres://h/x"),
            ("postgresql://h/a?application_name=t/s", "postgresql://h/x?application_name=t/s"),
            ("postgres://h?connect_timeout=3", "postgres://h/x?connect_timeout=3"),
        ] {
            assert_eq!(with_database(url, "x"), expected, "{url}");
        }
    }

    #[test]
    fn a_name_needs_no_quotes_and_is_not_cut() {
        assert_eq!(plain("Store-49 é"), "t_store_49__");
        assert!(plain(&"é".repeat(200)).len() + 17 <= 63);
    }
}
