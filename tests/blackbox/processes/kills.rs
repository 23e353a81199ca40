//! Processes that are killed at a chosen place: in the middle of the very transaction that a step
//! is made of. Triggers in the database hold them there, so that nothing in the service knows of it.

mod calls;
mod imports;
mod kept;
mod keys;
mod load;
mod migrations;
mod requests;

use std::time::Duration;

use oubli_store::Schema;
use oubli_store::testing::Stop;

use super::installation::Installation;

/// How often is looked whether somebody has come to a stop.
const LOOKS: u32 = 1_500;

/// Where a process is held: before it does this to a row of a table.
#[derive(Clone, Copy, Debug)]
struct Place {
    schema: Schema,
    event: &'static str,
    table: &'static str,
    when: &'static str,
}

/// A place in `data`.
const fn data(event: &'static str, table: &'static str, when: &'static str) -> Place {
    Place { schema: Schema::Data, event, table, when }
}

/// A place in `keys`, whatever the row.
const fn keys(event: &'static str, table: &'static str) -> Place {
    Place { schema: Schema::Keys, event, table, when: ANY }
}

/// Any row.
const ANY: &str = "1 = 1";

impl Place {
    async fn stop(&self, own: &Installation) -> Stop {
        let at = own.location(self.schema);
        Stop::plant(&at, self.event, self.table, self.when).await.unwrap()
    }
}

/// Waits until a process stands at the stop.
async fn reached(stop: &mut Stop, place: &Place) {
    for _ in 0..LOOKS {
        if stop.is_reached().await.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody comes by {place:?}");
}
