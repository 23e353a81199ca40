//! The command line. Its help is the first thing that many read: each command says what it does,
//! what it needs, and shows itself in use.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::config::ConfigCommand;
use crate::commands::doctor::Doctor;
use crate::commands::export::Export;
use crate::commands::import::Import;
use crate::config::http::Http;
use crate::config::{Config, Log};

/// Stores personal data and consents encrypted, and exports or erases a person on demand.
///
/// To see what it does:        oubli demo
/// To run it on this machine:  oubli all
/// On PostgreSQL:              oubli migrate, then oubli all on any number of machines
#[derive(Parser, Debug)]
#[command(name = "oubli", version, max_term_width = 100, verbatim_doc_comment)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The configuration file; unless given, ./oubli.toml or /etc/oubli/oubli.toml where there is one.
    #[arg(
        id = "config_file",
        long = "config",
        env = "OUBLI_CONFIG",
        global = true,
        value_name = "FILE"
    )]
    pub config_file: Option<PathBuf>,
    /// What is logged, and how.
    #[command(flatten)]
    pub log: Log,
}

/// A subcommand.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Answer HTTP and work on jobs, in one process. The usual way to run.
    All(Box<Run>),
    /// Answer HTTP only; some other process must run `oubli worker`.
    Serve(Box<Run>),
    /// Work on jobs only: exports, erasures, housekeeping.
    Worker(Box<Run>),
    /// Bring both databases to this binary's schema. SQLite does this by itself at start.
    Migrate(Migrate),
    /// Staff users, who sign in: the first admin is made here, never from a default password.
    #[command(subcommand)]
    User(User),
    /// Apps (tenants).
    #[command(subcommand)]
    App(AppCommand),
    /// Clients: the programs of an app that call the API.
    #[command(subcommand)]
    Client(Client),
    /// Keys: show what stands under which, rotate, reindex and retire them beside a running service.
    #[command(subcommand)]
    Keys(crate::commands::keys::Keys),
    /// Walk the whole story on a fresh store: consent, read, withdrawal, export, erasure.
    Demo(Demo),
    /// Show and check the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check configuration, databases, keys and machine, and say how to mend what is wrong.
    ///
    /// It changes nothing that is stored and works beside a running service. Beside a SQLite file that
    /// no service has open it may leave SQLite's own index (`-shm`) and an empty log (`-wal`). Status 0
    /// unless a check failed.
    Doctor(Box<Doctor>),
    /// Import what an app knew before: subjects, records and consents, with their past times.
    ///
    /// A file has one JSON object a line (NDJSON). `GET /v1/schemas/import-line` has their schema:
    ///
    ///   {"type":"subject","id":"crm-17","identifiers":[{"type":"email","value":"ada@example.org"}]}
    ///   {"type":"record","id":"inv-1","subject":"crm-17","category":"invoice","record":"INV-1","body":{}}
    ///   {"type":"consent","id":"c-1","subject":"crm-17","purpose":"newsletter","action":"withdrawn",
    ///    "occurred_at":"2024-05-01T10:00:00Z"}
    ///
    /// A line that comes again changes nothing. An import that was interrupted, even by kill -9, goes
    /// on when it is run again: FILE.oubli-progress, beside the file, says where it was; what was
    /// done since is told as unchanged. Standard input has no such file; import it again as a whole.
    ///
    /// At the end it prints how many lines of each type were imported, unchanged and rejected.
    /// Exit status: 0; 2 when lines were rejected, or a file with a `begin` line is truncated or
    /// altered (each line that is whole in itself is imported all the same); 1 when it failed.
    ///
    /// Example: oubli import --app shop --rejects bad.ndjson customers.ndjson
    #[command(verbatim_doc_comment)]
    Import(Box<Import>),
    /// Export an app as the lines that `oubli import` reads.
    ///
    /// The file has every subject, record and consent event, in clear: personal data, mode 0600. It
    /// is written under another name and gets its own when it is whole. Not in it: data map,
    /// notices, clients, requests, the log, former versions of records, categories and fields that
    /// the data map does not declare any more (they are counted), and subjects whose processing is
    /// restricted or who are being erased. The app's log tells of the export.
    ///
    /// Exit status: 0; 1 when it failed, and then there is no file.
    ///
    /// Example: oubli export --app shop shop.ndjson
    #[command(verbatim_doc_comment)]
    Export(Box<Export>),
    /// Print the OpenAPI document.
    Openapi,
    /// Check what the service signed, offline.
    #[command(subcommand)]
    Verify(Verify),
    /// Ask a running service whether it is ready; status 0 when it is. For health checks.
    Health(Health),
}

/// How to run.
#[derive(Args, Debug)]
pub struct Run {
    /// Databases, root key, journal.
    #[command(flatten)]
    pub config: Config,
    /// Address, bounds.
    #[command(flatten)]
    pub http: Http,
}

/// What `oubli migrate` does.
#[derive(Args, Debug)]
pub struct Migrate {
    /// Databases, root key, journal.
    #[command(flatten)]
    pub config: Config,
    /// Print the SQL that would run, and run nothing.
    #[arg(long, conflicts_with = "status")]
    pub dry_run: bool,
    /// List the migrations and whether they were applied, and run nothing.
    #[arg(long)]
    pub status: bool,
}

/// What `oubli user` does.
#[derive(Subcommand, Debug)]
pub enum User {
    /// Make a staff user. The password is asked for, or read from standard input when that is no
    /// terminal.
    ///
    /// Example: oubli user create --name ada --role admin
    Create {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
        /// What the user signs in with: a-z, 0-9, `.`, `_` and `-`, 64 at most.
        #[arg(long)]
        name: String,
        /// admin, dpo, compliance or auditor.
        #[arg(long)]
        role: String,
        /// Which apps the user may see: `*`, or names with commas between.
        #[arg(long, default_value = "*")]
        apps: String,
        /// The password must be changed at the first sign-in.
        #[arg(long)]
        must_change: bool,
    },
    /// Give a staff user another password; ends all their sessions.
    SetPassword {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
        /// Who.
        #[arg(long)]
        name: String,
        /// The password must be changed at the next sign-in.
        #[arg(long)]
        must_change: bool,
    },
    /// Let a staff user sign in no more; ends all their sessions.
    Disable {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
        /// Who.
        #[arg(long)]
        name: String,
    },
    /// List staff users.
    List {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
    },
}

/// What `oubli app` does.
#[derive(Subcommand, Debug)]
pub enum AppCommand {
    /// Make an app.
    ///
    /// Example: oubli app create shop --title "The shop"
    Create {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
        /// Its name in every path: a-z, 0-9 and `-`.
        app: String,
        /// What people call it; its name unless given.
        #[arg(long)]
        title: Option<String>,
    },
    /// List apps: name, title and state (active, deletion proposed, deleting, deleted).
    List {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
    },
}

/// What `oubli client` does.
#[derive(Subcommand, Debug)]
pub enum Client {
    /// Make a client of an app and print its secret, once.
    ///
    /// Example: oubli client create --app shop --title backend
    Create {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
        /// Whose client.
        #[arg(long)]
        app: String,
        /// What people call it.
        #[arg(long)]
        title: String,
        /// What it may do: scopes with spaces between; all that a client may have unless given.
        #[arg(long)]
        scopes: Option<String>,
    },
    /// Give a client a new secret and print it, once.
    ///
    /// Example: oubli client rotate shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19 --keep-previous 1h
    Rotate {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
        /// The client's id.
        client: String,
        /// For how long the secret before gets tokens too: seconds, or a number with s, m, h or d; 7d
        /// at most.
        #[arg(long, default_value = "0", value_parser = crate::commands::keys::seconds)]
        keep_previous: u32,
    },
    /// Revoke a client: its tokens are refused within 5 seconds everywhere.
    Revoke {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
        /// The client's id.
        client: String,
    },
    /// List the clients of an app.
    List {
        /// Databases, root key, journal.
        #[command(flatten)]
        config: Config,
        /// Whose clients.
        #[arg(long)]
        app: String,
    },
}

/// What `oubli demo` does.
#[derive(Args, Debug)]
pub struct Demo {
    /// End after the story, with status 0 only when every step held.
    #[arg(long)]
    pub exit: bool,
    /// Where the demo's store is made; it must not exist, and it stays. Unless given, a temporary
    /// folder, which --exit deletes.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Address and port to listen on; any free port unless given.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
    pub bind: std::net::SocketAddr,
}

/// What `oubli verify` checks.
#[derive(Subcommand, Debug)]
pub enum Verify {
    /// Check the signature of a certificate, of an erasure or of the deletion of an app, or of a
    /// supplement to one, and print what it says.
    ///
    /// Example: oubli verify certificate certificate.jws --keys oubli-keys.json
    Certificate {
        /// File with the certificate (a JWS); `-` for standard input.
        certificate: PathBuf,
        /// File with the body of `/.well-known/oubli-keys`, kept from when you trusted it.
        #[arg(long)]
        keys: PathBuf,
    },
    /// Check the signature of a consent receipt and print what it says.
    ///
    /// Example: oubli verify receipt receipt.jws --keys oubli-keys.json
    Receipt {
        /// File with the receipt (a JWS); `-` for standard input.
        receipt: PathBuf,
        /// File with the body of `/.well-known/oubli-keys`, kept from when you trusted it.
        #[arg(long)]
        keys: PathBuf,
    },
}

/// What `oubli health` asks.
#[derive(Args, Debug)]
pub struct Health {
    /// The service's URL.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
}
