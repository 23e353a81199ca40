//! What was read in all.

use std::collections::BTreeMap;

use oubli_domain::Name;
use oubli_store::exposure;

use super::gather::{Exposed, Gathered, Person, Window};
use crate::error::Result;

/// How many pseudonyms are looked up at once.
const LOOKUP: usize = 500;

/// What was read in all.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Totals {
    /// How many people's data was read.
    pub subjects: u64,
    /// How many reads of it there were.
    pub reads: u64,
    /// By category and field, of how many people it was read.
    pub fields: BTreeMap<Name, BTreeMap<Name, u64>>,
    /// Of how many people the consents were read.
    pub consents: u64,
    /// Of how many people the download of an export was handed out.
    pub exports: u64,
    /// Reads of people who were erased since, or are being erased. They are not among the others.
    pub erased: Apart,
    /// Reads so old that what was read is no longer known. They are not among the others.
    pub purged: Apart,
    /// How often everything of everybody was exported from the command line. Nobody is counted for
    /// it.
    pub app_exports: u64,
}

/// Reads of which nobody is named.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Apart {
    /// Of how many people.
    pub subjects: u64,
    /// How many.
    pub reads: u64,
}

impl Apart {
    fn add(&mut self, reads: u64) {
        self.subjects += 1;
        self.reads += reads;
    }
}

impl Totals {
    /// Adds people of whom none was added before.
    pub(super) async fn add(&mut self, window: &Window<'_>, gathered: &Gathered) -> Result<()> {
        let mut unknown = Vec::new();
        for (person, exposed) in &gathered.people {
            match person {
                Person::Known(_) => self.add_known(exposed),
                Person::Unknown(pseudonym) => unknown.push((*pseudonym, exposed.reads)),
            }
        }
        for some in unknown.chunks(LOOKUP) {
            let pseudonyms: Vec<[u8; 32]> = some.iter().map(|(pseudonym, _)| *pseudonym).collect();
            let mut conn = window.oubli.data().conn().await?;
            let living = exposure::living(&mut conn, window.app, &pseudonyms).await?;
            drop(conn);
            for (pseudonym, reads) in some {
                let apart =
                    if living.contains(pseudonym) { &mut self.purged } else { &mut self.erased };
                apart.add(*reads);
            }
        }
        Ok(())
    }

    fn add_known(&mut self, exposed: &Exposed) {
        self.subjects += 1;
        self.reads += exposed.reads;
        self.consents += u64::from(!exposed.consents.is_empty());
        self.exports += u64::from(exposed.exports > 0);
        for (category, fields) in &exposed.fields {
            let counts = self.fields.entry(category.clone()).or_default();
            for field in fields {
                *counts.entry(field.clone()).or_default() += 1;
            }
        }
    }
}
