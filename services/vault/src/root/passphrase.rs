//! The root key from a passphrase, through argon2id, with a salt file beside.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::RootKeyProvider;
use super::keyring::Keyring;
use super::private_file;
use crate::error::VaultError;
use crate::secret::{Secret, fill_random};

/// The fewest characters of a passphrase (NIST SP 800-63B-4, section 3.1.1.2).
const MINIMUM_CHARACTERS: usize = 15;

/// RFC 9106, section 4, second recommended option: 64 MiB, 3 passes, 4 lanes.
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// A salt file that asks for less than OWASP's least or for more than 1 GiB was tampered with.
const MEMORY_BOUNDS_KIB: std::ops::RangeInclusive<u32> = 19_456..=1_048_576;
const PASSES_BOUNDS: std::ops::RangeInclusive<u32> = 2..=16;
const LANES_BOUNDS: std::ops::RangeInclusive<u32> = 1..=16;
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=u32::MAX;
const SALT_BYTES: usize = 32;

/// How one version's key is made from the passphrase; one line of the salt file. Neither the salt
/// nor the check is secret: each guess at the passphrase still costs an argon2 run.
struct Recipe {
    version: u32,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; SALT_BYTES],
    /// Derived from the key: tells a wrong passphrase before anything is wrapped under it.
    check: [u8; 32],
}

impl Recipe {
    fn fresh(version: u32, passphrase: &str) -> Result<(Self, Secret), VaultError> {
        let mut salt = [0; SALT_BYTES];
        fill_random(&mut salt);
        let mut recipe = Self {
            version,
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt,
            check: [0; 32],
        };
        let (key, check) = recipe.run(passphrase)?;
        recipe.check = check;
        Ok((recipe, key))
    }

    /// The key and its check.
    fn run(&self, passphrase: &str) -> Result<(Secret, [u8; 32]), VaultError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .map_err(VaultError::Argon2)?;
        let mut output = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &self.salt, output.as_mut())
            .map_err(VaultError::Argon2)?;
        let derived = Secret::from_slice(output.as_slice())?;
        let check = *derived.derive("oubli/root/v1/check")?.expose();
        Ok((derived.derive("oubli/root/v1/key")?, check))
    }

    fn key(&self, passphrase: &str) -> Result<Secret, VaultError> {
        let (key, check) = self.run(passphrase)?;
        if bool::from(check.ct_eq(&self.check)) {
            Ok(key)
        } else {
            Err(VaultError::PassphraseWrong)
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let parts: Vec<&str> = line.strip_suffix('\n')?.split(' ').collect();
        let [version, memory, passes, lanes, salt, check] = parts.as_slice() else { return None };
        let bounded = |text: &str, bounds: std::ops::RangeInclusive<u32>| {
            text.parse().ok().filter(|number| bounds.contains(number))
        };
        Some(Self {
            version: bounded(version, VERSIONS)?,
            memory_kib: bounded(memory, MEMORY_BOUNDS_KIB)?,
            passes: bounded(passes, PASSES_BOUNDS)?,
            lanes: bounded(lanes, LANES_BOUNDS)?,
            salt: STANDARD.decode(salt).ok()?.try_into().ok()?,
            check: STANDARD.decode(check).ok()?.try_into().ok()?,
        })
    }

    fn print(&self) -> String {
        let (salt, check) = (STANDARD.encode(self.salt), STANDARD.encode(self.check));
        let Self { version, memory_kib, passes, lanes, .. } = self;
        format!("{version} {memory_kib} {passes} {lanes} {salt} {check}\n")
    }
}

/// Root keys derived from one passphrase, each version by a salt of its own. Deleting a version
/// destroys its salt of 256 bits, without which the passphrase does not give the key again; so no
/// backup of the databases may take the salt file along.
pub struct PassphraseProvider {
    path: PathBuf,
    passphrase: Zeroizing<String>,
    keys: RwLock<Keyring>,
}

impl PassphraseProvider {
    /// Makes the salt file with a version 1, and its directory where it is missing.
    ///
    /// # Errors
    /// `PassphraseShort`; `RootKeyExists`, and the file is left as it is;
    /// `RootDirectoryPermissions`; `RootKeyUnwritable`.
    pub fn create(path: impl AsRef<Path>, passphrase: &str) -> Result<Self, VaultError> {
        if passphrase.chars().count() < MINIMUM_CHARACTERS {
            return Err(VaultError::PassphraseShort { minimum: MINIMUM_CHARACTERS });
        }
        let (recipe, key) = Recipe::fresh(1, passphrase)?;
        private_file::create(path.as_ref(), &recipe.print())?;
        let mut keys = Keyring::default();
        keys.push(1, recipe.version, key)?;
        Ok(Self::of(path.as_ref(), passphrase, keys))
    }

    /// Reads the salt file and derives each version's key; takes a noticeable fraction of a second
    /// for each. Writes nothing.
    ///
    /// # Errors
    /// `RootKeyMissing`, `RootKeyUnreadable`, `RootKeyPermissions`, `RootDirectoryPermissions`,
    /// `RootKeyMalformed` with the number of the line; `PassphraseWrong`.
    pub fn open(path: impl AsRef<Path>, passphrase: &str) -> Result<Self, VaultError> {
        let mut keys = Keyring::default();
        for (index, recipe) in read(path.as_ref())?.iter().enumerate() {
            keys.push(index + 1, recipe.version, recipe.key(passphrase)?)?;
        }
        Ok(Self::of(path.as_ref(), passphrase, keys))
    }

    fn of(path: &Path, passphrase: &str, keys: Keyring) -> Self {
        Self {
            path: path.to_owned(),
            passphrase: Zeroizing::new(passphrase.to_owned()),
            keys: RwLock::new(keys),
        }
    }

    // Nothing panics while it holds the lock: a poisoned one still guards good keys.
    fn keys(&self) -> RwLockReadGuard<'_, Keyring> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_keys<T>(&self, change: impl FnOnce(&mut Keyring) -> T) -> T {
        change(&mut self.keys.write().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(path: &Path) -> Result<Vec<Recipe>, VaultError> {
    let text = private_file::read(path)?;
    let recipes = text
        .split_inclusive('\n')
        .enumerate()
        .map(|(index, line)| {
            Recipe::parse(line).ok_or(VaultError::RootKeyMalformed { entry: index + 1 })
        })
        .collect::<Result<Vec<_>, _>>()?;
    // Seen here, before any of them is derived or put in the place of what is in memory.
    let falls = recipes.windows(2).position(|pair| pair[1].version <= pair[0].version);
    match falls {
        Some(index) => Err(VaultError::RootKeyMalformed { entry: index + 2 }),
        None if recipes.is_empty() => Err(VaultError::RootKeyMalformed { entry: 1 }),
        None => Ok(recipes),
    }
}

fn print(recipes: &[Recipe]) -> String {
    recipes.iter().map(Recipe::print).collect()
}

impl fmt::Debug for PassphraseProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassphraseProvider")
            .field("path", &self.path)
            .field("versions", &self.versions())
            .finish_non_exhaustive()
    }
}

impl RootKeyProvider for PassphraseProvider {
    fn name(&self) -> &'static str {
        "passphrase"
    }

    fn versions(&self) -> Vec<u32> {
        self.keys().versions()
    }

    fn current(&self) -> u32 {
        self.keys().current()
    }

    fn wrap(&self, version: u32, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        // Another node may have deleted the version: what this one wrapped under the copy in its
        // memory would be lost at its next start. Wrapping is rare, so the file is read each time.
        self.refresh()?;
        self.keys().wrap(version, aad, plaintext)
    }

    fn unwrap(
        &self,
        version: u32,
        aad: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        // Another node may have added the version since this one read the file.
        if !self.versions().contains(&version) {
            self.refresh()?;
        }
        self.keys().unwrap(version, aad, wrapped)
    }

    /// Only the versions that are new cost an argon2 run.
    fn refresh(&self) -> Result<(), VaultError> {
        let recipes = read(&self.path)?;
        let known = self.versions();
        let mut derived = Vec::new();
        for (index, recipe) in recipes.iter().enumerate() {
            if !known.contains(&recipe.version) {
                derived.push((index + 1, recipe.version, recipe.key(&self.passphrase)?));
            }
        }
        self.change_keys(|keys| {
            keys.retain(|version| recipes.iter().any(|recipe| recipe.version == version));
            derived.into_iter().try_for_each(|(entry, version, key)| {
                if keys.versions().contains(&version) {
                    Ok(())
                } else {
                    keys.push(entry, version, key)
                }
            })
        })
    }

    fn add_version(&self) -> Result<u32, VaultError> {
        private_file::locked(&self.path, || {
            let mut recipes = read(&self.path)?;
            let last = recipes.iter().map(|recipe| recipe.version).max().unwrap_or(0);
            let (recipe, key) = Recipe::fresh(last.saturating_add(1), &self.passphrase)?;
            let (entry, version) = (recipes.len() + 1, recipe.version);
            recipes.push(recipe);
            private_file::replace(&self.path, &print(&recipes))?;
            self.change_keys(|keys| keys.push(entry, version, key))?;
            Ok(version)
        })
    }

    fn delete_version(&self, version: u32) -> Result<(), VaultError> {
        private_file::locked(&self.path, || {
            self.keys().check_removable(version)?;
            let mut recipes = read(&self.path)?;
            recipes.retain(|recipe| recipe.version != version);
            private_file::replace(&self.path, &print(&recipes))?;
            self.change_keys(|keys| keys.remove(version));
            Ok(())
        })
    }

    fn can_delete(&self) -> bool {
        true
    }
}
