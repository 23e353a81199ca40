//! Both databases, the root key, and whether they belong together.

use oubli_app::{Databases, doctor as together};
use oubli_domain::Clock as _;
use oubli_domain::clock::SystemClock;
use oubli_store::keys::work;
use oubli_store::{Db, Location, MigrationError, Schema, StoreError, doctor, migrate};

use super::Check;
use crate::config::Config;
use crate::root_key;

/// Clocks may differ by this much.
const SKEW_MICROS: i64 = 5_000_000;
/// The oldest PostgreSQL that is tested.
const OLDEST_POSTGRES: i64 = 130_000;

/// All checks of the databases and keys.
pub(super) async fn checks(config: &Config) -> Vec<Check> {
    let Ok((data, keys)) = config.storage.locations() else {
        return vec![Check::skipped("databases", "the configuration is wrong")];
    };
    let (data, keys) = (&data, &keys);
    let (data_db, of_data) = opened("data database", Schema::Data, data, keys).await;
    let (keys_db, of_keys) = opened("keys database", Schema::Keys, keys, data).await;
    let mut checks = vec![of_data, of_keys];
    match (data_db, keys_db) {
        (Some(data), Some(keys)) => {
            let databases = Databases { data, keys };
            checks.extend(of_both(config, &databases).await);
            databases.data.close().await;
            databases.keys.close().await;
        }
        (data, keys) => {
            let told = "both databases are needed, with their schema";
            checks.push(Check::skipped("keys and what rests on both databases", told));
            for db in data.into_iter().chain(keys) {
                db.close().await;
            }
        }
    }
    checks
}

async fn of_both(config: &Config, databases: &Databases) -> Vec<Check> {
    let Databases { data, keys } = databases;
    let mut checks = vec![
        root_opens(config, databases).await,
        not_older(databases).await,
        key_work(keys).await,
        apart(databases).await,
        durability("data durability", data).await,
        durability("keys durability", keys).await,
    ];
    // SQLite has this machine's clock.
    if !config.storage.is_embedded() {
        checks.push(clock("clock of the data database", data).await);
        checks.push(clock("clock of the keys database", keys).await);
    }
    checks.push(newest_event(data).await);
    checks
}

/// Opens a database whose schema is this binary's; the check says why it could not.
async fn opened(
    name: &'static str,
    schema: Schema,
    at: &Location,
    other: &Location,
) -> (Option<Db>, Check) {
    if let Location::Sqlite(file) = at
        && !file.exists()
    {
        return (None, not_there(name, other));
    }
    let db = match Db::open_to_look(schema, at).await {
        Ok(db) => db,
        Err(error) => return (None, unreachable(name, at, &error)),
    };
    let check = match migrate::status(&db).await {
        Ok(steps) => match steps.iter().filter(|step| !step.applied).count() {
            0 => Check::ok(name, format!("reachable, schema {}", steps.len())),
            count => Check::failure(
                name,
                format!("its schema is old: it lacks {count} migrations"),
                "run `oubli migrate`",
            ),
        },
        Err(error @ StoreError::Migration(MigrationError::Newer { .. })) => {
            Check::failure(name, error.to_string(), "run the newer binary that migrated it")
        }
        Err(error @ StoreError::Migration(MigrationError::Changed { .. })) => {
            Check::failure(name, error.to_string(), "run the binary that migrated it")
        }
        Err(error) => unreachable(name, at, &error),
    };
    if check.status == super::Status::Ok {
        return (Some(db), check);
    }
    db.close().await;
    (None, check)
}

/// Both files are made together: one that is missing alone was lost.
fn not_there(name: &'static str, other: &Location) -> Check {
    match other {
        Location::Sqlite(file) if file.exists() => Check::failure(
            name,
            format!("its file is missing, and {} is there", file.display()),
            "put it back from its backup before the service starts, which would make an empty one",
        ),
        _ => Check::ok(name, "not there yet; it is made at the first start"),
    }
}

fn unreachable(name: &'static str, at: &Location, error: &StoreError) -> Check {
    let mend = match at {
        Location::Sqlite(_) => {
            "see that the file is whole and that this user may read and write it"
        }
        Location::Postgres(_) => {
            "start the server, and see that address, database, user and password of its URL are right"
        }
    };
    Check::failure(name, format!("cannot be reached: {error}"), mend)
}

async fn root_opens(config: &Config, databases: &Databases) -> Check {
    const NAME: &str = "root key";
    let file = &config.root_key.root_key_file;
    let missing = !config.root_key.is_given() && !file.exists();
    if missing && databases.are_empty().await.unwrap_or(false) {
        return Check::ok(NAME, "not there yet; it is made at the first start");
    }
    let provider = match root_key::provider(&config.root_key, &config.storage, false).await {
        Ok(provider) => provider,
        Err(error) if missing => {
            let mend = "put the root key back from its own backup; without it nothing can be read";
            return Check::failure(NAME, format!("{error:#}"), mend);
        }
        Err(error) => {
            let mend = format!(
                "give it to the service's user alone (chown oubli {0}; chmod 600 {0}), or put it back from its backup",
                file.display()
            );
            return Check::failure(NAME, format!("{error:#}"), mend);
        }
    };
    match together::opened_by(databases, provider.as_ref()).await {
        Ok(0) => Check::ok(NAME, "readable; the databases hold nothing yet"),
        Ok(_) => Check::ok(NAME, "opens the keys database"),
        Err(error) => Check::failure(
            NAME,
            format!("does not open the keys database: {error}"),
            "name the root key that these databases belong to",
        ),
    }
}

async fn not_older(databases: &Databases) -> Check {
    const NAME: &str = "keys not older than data";
    match together::key_coverage(databases).await {
        Ok(found) if found.without_key > 0 => Check::failure(
            NAME,
            format!(
                "{} of the newest {} subjects have no data key",
                found.without_key, found.looked_at
            ),
            "recover keys to a later point than data: keys must never be older",
        ),
        Ok(found) => {
            Check::ok(NAME, format!("the newest {} subjects have their data keys", found.looked_at))
        }
        Err(error) => Check::failure(NAME, error.to_string(), "see that both databases answer"),
    }
}

/// A rotation that was interrupted leaves old keys in force.
async fn key_work(keys: &Db) -> Check {
    const NAME: &str = "work on keys";
    let asked = async { work::get(&mut keys.conn().await?).await }.await;
    match asked.map(|work| work.filter(|work| work.ended_at.is_none())) {
        Ok(None) => Check::ok(NAME, "none is unfinished"),
        Ok(Some(work)) if work.leased_until > SystemClock.now().0 => {
            Check::ok(NAME, format!("a {} is under way", work.kind))
        }
        Ok(Some(work)) => Check::warning(
            NAME,
            format!("a {} was interrupted", work.kind),
            format!("run `oubli keys {}` again: it goes on where it stopped", work.kind),
        ),
        Err(error) => Check::failure(NAME, error.to_string(), "see that the keys database answers"),
    }
}

/// The cluster of a PostgreSQL database; the outer none when it does not tell.
async fn cluster(db: &Db) -> Option<Option<String>> {
    doctor::cluster(&mut db.conn().await.ok()?).await.ok()
}

async fn apart(databases: &Databases) -> Check {
    const NAME: &str = "databases apart";
    match (cluster(&databases.data).await, cluster(&databases.keys).await) {
        (Some(None), Some(None)) => Check::ok(NAME, "two files"),
        (Some(Some(data)), Some(Some(keys))) if data == keys => Check::warning(
            NAME,
            "data and keys lie in one PostgreSQL cluster: one backup holds both",
            "move keys to a cluster of its own, with backups of its own",
        ),
        (Some(_), Some(_)) => Check::ok(NAME, "two PostgreSQL clusters"),
        _ => Check::warning(
            NAME,
            "a database does not tell its cluster",
            "see yourself that data and keys lie in two: grant execute on function pg_control_system()",
        ),
    }
}

async fn durability(name: &'static str, db: &Db) -> Check {
    let asked = async { doctor::settings(&mut db.conn().await?).await }.await;
    let settings = match asked {
        Ok(settings) => settings,
        Err(error) => return Check::failure(name, error.to_string(), "see that it answers"),
    };
    let value = |name: &str| settings.get(name).map_or("", String::as_str);
    let wanted: &[(&str, &[&str])] = match db.engine_name() {
        "sqlite" => {
            &[("journal_mode", &["wal"]), ("synchronous", &["2"]), ("secure_delete", &["1"])]
        }
        _ => &[
            ("fsync", &["on"]),
            ("full_page_writes", &["on"]),
            ("synchronous_commit", &["on", "remote_apply"]),
        ],
    };
    let wrong: Vec<String> = wanted
        .iter()
        .filter(|(name, taken)| !taken.contains(&value(name)))
        .map(|(name, taken)| format!("{name} is {} and must be {}", value(name), taken[0]))
        .collect();
    if !wrong.is_empty() {
        let mend = match db.engine_name() {
            "sqlite" => {
                "start the service, which sets it; where it stays so, move the data folder to a local disk"
            }
            _ => "set it in postgresql.conf: what was acknowledged could be lost",
        };
        return Check::failure(name, wrong.join("; "), mend);
    }
    let version = value("server_version_num").parse::<i64>().ok();
    if version.is_some_and(|version| version < OLDEST_POSTGRES) {
        return Check::failure(name, "PostgreSQL is older than 13", "upgrade the server");
    }
    let found: Vec<String> =
        wanted.iter().map(|(name, _)| format!("{name} {}", value(name))).collect();
    Check::ok(name, found.join(", "))
}

async fn clock(name: &'static str, db: &Db) -> Check {
    let before = SystemClock.now().0;
    let asked = async { doctor::clock(&mut db.conn().await?).await }.await;
    let after = SystemClock.now().0;
    match asked {
        Ok(there) if there.0 < before - SKEW_MICROS || there.0 > after + SKEW_MICROS => {
            Check::warning(
                name,
                format!("it differs from this machine's by {} s", (there.0 - after) / 1_000_000),
                "let both machines take their time from one source (NTP)",
            )
        }
        Ok(_) => Check::ok(name, "agrees with this machine's"),
        Err(error) => Check::failure(name, error.to_string(), "see that it answers"),
    }
}

/// A clock that went back: what is written next would lie before what is there.
async fn newest_event(data: &Db) -> Check {
    const NAME: &str = "newest event";
    let asked = async { doctor::newest_event(&mut data.conn().await?).await }.await;
    match asked {
        Ok(Some(newest)) if newest.0 > SystemClock.now().0 + SKEW_MICROS => Check::warning(
            NAME,
            "lies in the future of this machine: its clock went back",
            "set the clock (NTP) before the service goes on",
        ),
        Ok(Some(_)) => Check::ok(NAME, "lies in the past"),
        Ok(None) => Check::ok(NAME, "there is none yet"),
        Err(error) => Check::failure(NAME, error.to_string(), "see that the data database answers"),
    }
}
