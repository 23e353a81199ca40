//! The guides are true: an application team's first week, played with the commands of
//! `docs/guides` alone, in their order, against real processes on both engines.
//!
//! With `OUBLI_SAMPLE_CUSTOMERS` set (see `sample_customers`), the file that the first guide imports
//! also holds that shop's customers.

mod load;
mod script;

use oubli_tests::both_engines;

use crate::processes::installation::Installation;

both_engines! {
    async fn the_first_week_goes_as_the_guides_say(engine: Engine) {
        let installation = Installation::new(engine).await;
        script::prepare(&installation);
        let mut week = script::Week::begin(&installation);
        week.reaches("docs/guides/operator.md: Rotate keys").await;
        let load = load::begin(&installation, week.url()).await;
        week.reaches("docs/guides/operator.md: Leave").await;
        load.end().await;
        week.ends_well().await;
    }
}
