//! The data keys of many people at once.

use std::collections::HashMap;
use std::sync::Arc;

use oubli_domain::{AppId, SubjectId};
use oubli_store::keys::subject_keys;
use oubli_vault::DataKey;

use super::Keyring;
use crate::error::{Error, Result};

/// Data keys by their subjects.
pub(crate) type DataKeys = HashMap<SubjectId, Arc<DataKey>>;

impl Keyring {
    /// The data keys of these subjects, whose rows in `data` the caller has seen. One who is left
    /// out has no key any more: the person was erased.
    ///
    /// # Errors
    /// When a database fails, or a key does not open.
    pub(crate) async fn data_keys(&self, app: &AppId, subjects: &[SubjectId]) -> Result<DataKeys> {
        let mut held = DataKeys::with_capacity(subjects.len());
        let mut missing = Vec::new();
        for subject in subjects {
            match self.data_keys.get(&(app.clone(), *subject)) {
                Some(key) => drop(held.insert(*subject, key)),
                None => missing.push(*subject),
            }
        }
        if !missing.is_empty() {
            let forgotten = self.forgotten();
            let read = self.read_data_keys(app, missing).await?;
            for (subject, key) in &read {
                self.remember((app.clone(), *subject), key, forgotten);
            }
            held.extend(read);
        }
        Ok(held)
    }

    /// The same, without keeping any: for what goes over more people than are to be held, and meets
    /// each of them once.
    ///
    /// # Errors
    /// As [`Keyring::data_keys`].
    pub(crate) async fn read_data_keys(
        &self,
        app: &AppId,
        mut subjects: Vec<SubjectId>,
    ) -> Result<DataKeys> {
        let mut opened = DataKeys::with_capacity(subjects.len());
        for _ in 0..2 {
            let rows = subject_keys::get_many(&mut self.keys.conn().await?, app, &subjects).await?;
            let keys = self.app(app).await?;
            subjects.clear();
            for row in rows {
                match keys.open_data_key(&row)? {
                    Some(key) => drop(opened.insert(row.subject, Arc::new(key))),
                    None => subjects.push(row.subject),
                }
            }
            if subjects.is_empty() {
                return Ok(opened);
            }
            self.is_stale(&keys).await?;
        }
        Err(Error::Damaged("the epoch of a data key"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use oubli_domain::SubjectId;

    use crate::requests::world::World;

    #[tokio::test]
    async fn the_keys_of_many_are_those_of_each() {
        let world = World::new().await;
        let (ada, bob, eve) =
            (world.person("ada").await, world.person("bob").await, world.person("eve").await);
        world.lose_key(eve, None).await;
        let keyring = world.oubli.keyring();
        // One of them is held already.
        let first = keyring.data_key(&world.app, ada).await.unwrap();
        let asked = [ada, bob, eve, SubjectId::fresh(world.oubli.now())];
        let found = keyring.data_keys(&world.app, &asked).await.unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[&ada].id(), first.id());
        let second = keyring.data_key(&world.app, bob).await.unwrap();
        assert_eq!(found[&bob].id(), second.id());
        assert!(keyring.data_keys(&world.app, &[]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_key_that_was_forgotten_is_read_again() {
        let world = World::new().await;
        let ada = world.person("ada").await;
        assert_eq!(world.oubli.keyring().data_keys(&world.app, &[ada]).await.unwrap().len(), 1);
        world.lose_key(ada, None).await;
        assert!(world.oubli.keyring().data_keys(&world.app, &[ada]).await.unwrap().is_empty());
    }
}
