//! Root-key providers: what they wrap, and the clear error for each way in which a root key can
//! be missing or wrong, with nothing written.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use oubli_domain::AppId;
use oubli_vault::{
    AppKey, EnvironmentProvider, FileProvider, PassphraseProvider, RootKeyProvider, VaultError,
    open_service_secret, seal_service_secret,
};
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse battery staple";
/// 32 bytes of 1, and of 2.
const KEY_1: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const KEY_2: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn app() -> AppId {
    AppId::new("shop").unwrap()
}

/// A private directory and the path of a key file in it.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let path = directory.path().join("root.key");
    (directory, path)
}

fn put(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// What each provider must do, whichever it is.
fn wraps_and_unwraps(root: &dyn RootKeyProvider) {
    let version = root.current();
    assert!(root.versions().contains(&version));
    let wrapped = root.wrap(version, b"aad", b"secret").unwrap();
    assert_eq!(root.unwrap(version, b"aad", &wrapped).unwrap().as_slice(), b"secret");
    assert!(matches!(
        root.unwrap(version, b"other", &wrapped),
        Err(VaultError::RootKeyWrong { version: v }) if v == version
    ));
    assert!(matches!(
        root.unwrap(version + 1, b"aad", &wrapped),
        Err(VaultError::RootVersionUnknown { .. })
    ));
    assert!(matches!(
        root.wrap(version + 1, b"aad", b"secret"),
        Err(VaultError::RootVersionUnknown { .. })
    ));
    assert!(matches!(root.unwrap(version, b"aad", b"short"), Err(VaultError::TooShort)));
}

/// Two providers of one source: what one of them adds or deletes, the other heeds.
fn share(one: &dyn RootKeyProvider, other: &dyn RootKeyProvider) {
    assert_eq!(one.add_version().unwrap(), 2);
    let wrapped = one.wrap(2, b"aad", b"secret").unwrap();
    assert_eq!(other.unwrap(2, b"aad", &wrapped).unwrap().as_slice(), b"secret");
    assert_eq!(other.add_version().unwrap(), 3);
    one.delete_version(1).unwrap();
    // `other` still remembers version 1, and must not wrap what nobody could open again.
    assert!(other.versions().contains(&1));
    assert!(matches!(
        other.wrap(1, b"aad", b"secret"),
        Err(VaultError::RootVersionUnknown { version: 1 })
    ));
    assert_eq!(other.versions(), [2, 3]);
}

/// Adds a version and deletes the old one, as retiring an epoch does.
fn retires(root: &dyn RootKeyProvider) {
    assert!(root.can_delete());
    let old = AppKey::generate(&app(), 1).wrap(root).unwrap();
    assert!(matches!(
        root.delete_version(old.root_version),
        Err(VaultError::RootVersionCurrent { version: 1 })
    ));
    assert_eq!(root.add_version().unwrap(), 2);
    assert_eq!((root.versions(), root.current()), (vec![1, 2], 2));
    assert!(AppKey::unwrap(root, &app(), 1, old.root_version, &old.bytes).is_ok());
    let new = AppKey::generate(&app(), 2).wrap(root).unwrap();
    assert_eq!(new.root_version, 2);
    root.delete_version(1).unwrap();
    assert_eq!(root.versions(), [2]);
    assert!(matches!(
        AppKey::unwrap(root, &app(), 1, old.root_version, &old.bytes),
        Err(VaultError::RootVersionUnknown { version: 1 })
    ));
    assert!(AppKey::unwrap(root, &app(), 2, 2, &new.bytes).is_ok());
    assert!(matches!(root.delete_version(1), Err(VaultError::RootVersionUnknown { version: 1 })));
}

#[test]
fn a_file_provider_wraps_retires_and_opens_again() {
    let (directory, _) = place();
    let path = directory.path().join("keys").join("root.key");
    let root = FileProvider::create(&path).unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    wraps_and_unwraps(&root);
    retires(&root);
    assert_eq!(mode(&path), 0o600);
    let wrapped = root.wrap(2, b"aad", b"secret").unwrap();
    let again = FileProvider::open(&path).unwrap();
    assert_eq!(again.versions(), [2]);
    assert_eq!(again.unwrap(2, b"aad", &wrapped).unwrap().as_slice(), b"secret");
    assert!(!fs::read_to_string(&path).unwrap().contains("1 "));
}

#[test]
fn two_nodes_share_one_file() {
    let (_directory, path) = place();
    let one = FileProvider::create(&path).unwrap();
    share(&one, &FileProvider::open(&path).unwrap());
    assert_eq!(FileProvider::open(&path).unwrap().versions(), [2, 3]);
}

#[test]
fn two_nodes_share_one_salt_file() {
    let (_directory, path) = place();
    let one = PassphraseProvider::create(&path, PASSPHRASE).unwrap();
    share(&one, &PassphraseProvider::open(&path, PASSPHRASE).unwrap());
    assert_eq!(PassphraseProvider::open(&path, PASSPHRASE).unwrap().versions(), [2, 3]);
}

#[test]
fn providers_have_the_names_of_the_configuration() {
    let (directory, path) = place();
    assert_eq!(FileProvider::create(&path).unwrap().name(), "file");
    let salt = directory.path().join("salt");
    assert_eq!(PassphraseProvider::create(&salt, PASSPHRASE).unwrap().name(), "passphrase");
    assert_eq!(EnvironmentProvider::parse(KEY_1).unwrap().name(), "environment");
}

#[test]
fn a_file_of_many_versions_is_read_whole() {
    let (_directory, path) = place();
    let lines: Vec<_> = (1..=1000).map(|version| format!("{version} {KEY_1}\n")).collect();
    put(&path, &lines.concat(), 0o600);
    assert_eq!(FileProvider::open(&path).unwrap().current(), 1000);
}

#[test]
fn the_last_version_is_not_made_twice() {
    let (_directory, path) = place();
    let last = format!("{} {KEY_1}\n", u32::MAX);
    put(&path, &last, 0o600);
    let root = FileProvider::open(&path).unwrap();
    assert!(matches!(root.add_version(), Err(VaultError::RootKeyMalformed { entry: 2 })));
    assert_eq!(fs::read_to_string(&path).unwrap(), last);
}

#[test]
fn create_never_overwrites() {
    let (directory, path) = place();
    put(&path, "anything", 0o600);
    assert!(matches!(FileProvider::create(&path), Err(VaultError::RootKeyExists)));
    assert!(matches!(
        PassphraseProvider::create(&path, PASSPHRASE),
        Err(VaultError::RootKeyExists)
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), "anything");
    let link = directory.path().join("link.key");
    symlink(directory.path().join("nowhere"), &link).unwrap();
    assert!(matches!(FileProvider::create(&link), Err(VaultError::RootKeyExists)));
}

#[test]
fn create_refuses_a_directory_that_others_can_see() {
    let (directory, path) = place();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(
        FileProvider::create(&path),
        Err(VaultError::RootDirectoryPermissions { mode: 0o755 })
    ));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_file_is_said_and_nothing_is_written() {
    let (directory, path) = place();
    assert!(matches!(FileProvider::open(&path), Err(VaultError::RootKeyMissing)));
    assert!(matches!(PassphraseProvider::open(&path, PASSPHRASE), Err(VaultError::RootKeyMissing)));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_file_or_directory_open_to_others_is_refused() {
    let (directory, path) = place();
    let line = format!("1 {KEY_1}\n");
    for bad in [0o640, 0o604, 0o660, 0o620, 0o602, 0o644, 0o601] {
        put(&path, &line, bad);
        let error = FileProvider::open(&path).unwrap_err();
        assert!(matches!(error, VaultError::RootKeyPermissions { mode } if mode == bad), "{bad:o}");
    }
    put(&path, &line, 0o400);
    assert!(FileProvider::open(&path).is_ok());
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o770)).unwrap();
    assert!(matches!(
        FileProvider::open(&path),
        Err(VaultError::RootDirectoryPermissions { mode: 0o770 })
    ));
}

#[test]
fn what_cannot_be_read_as_text_is_unreadable() {
    let (directory, path) = place();
    let folder = directory.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(FileProvider::open(&folder), Err(VaultError::RootKeyUnreadable(_))));
    fs::write(&path, [0xff, 0xfe]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(FileProvider::open(&path), Err(VaultError::RootKeyUnreadable(_))));
}

#[test]
fn malformed_files_are_told_by_line_and_left_alone() {
    let (directory, path) = place();
    let whole = format!("1 {KEY_1}\n");
    let cases = [
        (String::new(), 1),
        ("\n".to_owned(), 1),
        (format!("{KEY_1}\n"), 1),
        (format!("0 {KEY_1}\n"), 1),
        (format!("x {KEY_1}\n"), 1),
        (format!("4294967296 {KEY_1}\n"), 1),
        ("1 AQEB\n".to_owned(), 1),
        (format!("1 {}\n", KEY_1.replace('A', "!")), 1),
        (format!("1 {KEY_1}\r\n"), 1),
        (format!("{whole}1 {KEY_2}\n"), 2),
        (format!("2 {KEY_1}\n1 {KEY_2}\n"), 2),
        (format!("{whole}\n"), 2),
        (format!("{whole}2 {KEY_2}"), 2),
    ];
    for (text, line) in cases {
        put(&path, &text, 0o600);
        let error = FileProvider::open(&path).unwrap_err();
        assert!(matches!(error, VaultError::RootKeyMalformed { entry } if entry == line), "{text}");
        assert!(!error.to_string().contains("AQEB"), "an error never shows a key");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_file_cut_short_anywhere_is_malformed() {
    let (_directory, path) = place();
    let whole = format!("1 {KEY_1}\n");
    for length in 0..whole.len() {
        put(&path, &whole[..length], 0o600);
        let error = FileProvider::open(&path).unwrap_err();
        assert!(matches!(error, VaultError::RootKeyMalformed { entry: 1 }), "{length}");
    }
}

#[test]
fn another_key_of_the_right_form_opens_nothing() {
    let right = EnvironmentProvider::parse(KEY_1).unwrap();
    let wrong = EnvironmentProvider::parse(KEY_2).unwrap();
    let wrapped = AppKey::generate(&app(), 1).wrap(&right).unwrap();
    let unwrap = |root, app: &AppId, epoch| {
        AppKey::unwrap(root, app, epoch, wrapped.root_version, &wrapped.bytes)
    };
    assert!(unwrap(&right, &app(), 1).is_ok());
    let wrong_key = |result| matches!(result, Err(VaultError::RootKeyWrong { version: 1 }));
    assert!(wrong_key(unwrap(&wrong, &app(), 1)));
    assert!(wrong_key(unwrap(&right, &AppId::new("shop2").unwrap(), 1)));
    assert!(wrong_key(unwrap(&right, &app(), 2)));
}

#[test]
fn a_service_secret_opens_under_its_name_and_version_alone() {
    let root = EnvironmentProvider::parse(KEY_1).unwrap();
    let sealed = seal_service_secret(&root, "token-signing", 1, b"secret").unwrap();
    let open = |name, version| open_service_secret(&root, name, version, &sealed);
    assert_eq!(open("token-signing", 1).unwrap().as_slice(), b"secret");
    assert!(matches!(open("client-mac", 1), Err(VaultError::RootKeyWrong { .. })));
    assert!(matches!(open("token-signing", 2), Err(VaultError::RootKeyWrong { .. })));
}

#[test]
fn the_environment_gives_one_key_or_several() {
    let one = EnvironmentProvider::parse(&format!(" {KEY_1}\n")).unwrap();
    assert_eq!(one.versions(), [1]);
    wraps_and_unwraps(&one);
    let two = EnvironmentProvider::parse(&format!("1:{KEY_1}, 3:{KEY_2}")).unwrap();
    assert_eq!((two.versions(), two.current()), (vec![1, 3], 3));
    let wrapped = one.wrap(1, b"aad", b"secret").unwrap();
    assert_eq!(two.unwrap(1, b"aad", &wrapped).unwrap().as_slice(), b"secret");
    assert!(!two.can_delete());
    assert!(matches!(two.delete_version(1), Err(VaultError::RootReadOnly { .. })));
    assert!(matches!(two.add_version(), Err(VaultError::RootReadOnly { .. })));
    assert_eq!(format!("{two:?}"), "EnvironmentProvider { versions: [1, 3] }");
}

#[test]
fn a_malformed_environment_is_told_by_item() {
    assert!(matches!(EnvironmentProvider::parse("  "), Err(VaultError::RootKeyMissing)));
    let cases = [
        ("secret".to_owned(), 1),
        (KEY_1[..40].to_owned(), 1),
        (format!("{KEY_1},"), 2),
        (format!("1:{KEY_1},1:{KEY_2}"), 2),
        (format!("2:{KEY_1},{KEY_2}"), 2),
        (format!("-1:{KEY_1}"), 1),
    ];
    for (text, item) in cases {
        let error = EnvironmentProvider::parse(&text).unwrap_err();
        assert!(matches!(error, VaultError::RootKeyMalformed { entry } if entry == item), "{text}");
    }
}

#[test]
fn a_passphrase_provider_wraps_retires_and_opens_again() {
    let (_directory, path) = place();
    let root = PassphraseProvider::create(&path, PASSPHRASE).unwrap();
    wraps_and_unwraps(&root);
    retires(&root);
    let wrapped = root.wrap(2, b"aad", b"secret").unwrap();
    let again = PassphraseProvider::open(&path, PASSPHRASE).unwrap();
    assert_eq!(again.versions(), [2]);
    assert_eq!(again.unwrap(2, b"aad", &wrapped).unwrap().as_slice(), b"secret");
    assert!(!format!("{again:?}").contains("horse"));
}

#[test]
fn a_wrong_or_short_passphrase_is_said() {
    let (directory, path) = place();
    assert!(matches!(
        PassphraseProvider::create(&path, "too short"),
        Err(VaultError::PassphraseShort { minimum: 15 })
    ));
    assert!(PassphraseProvider::create(&path, "fourteen chars").is_err());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    let shortest = directory.path().join("shortest");
    assert!(PassphraseProvider::create(&shortest, "f\u{ef}fteen letters").is_ok());
    PassphraseProvider::create(&path, PASSPHRASE).unwrap();
    let before = fs::read_to_string(&path).unwrap();
    assert!(matches!(
        PassphraseProvider::open(&path, "correct horse battery stapler"),
        Err(VaultError::PassphraseWrong)
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
}

#[test]
fn a_salt_file_that_weakens_the_key_is_malformed() {
    let (_directory, path) = place();
    PassphraseProvider::create(&path, PASSPHRASE).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    let cases = [
        whole.replace(" 65536 ", " 8 "),
        whole.replace(" 65536 ", " 4000000000 "),
        whole.replace(" 3 4 ", " 1 4 "),
        whole.replace(" 3 4 ", " 3 0 "),
        whole[..whole.len() - 1].to_owned(),
        String::new(),
    ];
    for text in cases {
        put(&path, &text, 0o600);
        let error = PassphraseProvider::open(&path, PASSPHRASE).unwrap_err();
        assert!(matches!(error, VaultError::RootKeyMalformed { entry: 1 }), "{text}");
    }
}

#[test]
fn a_salt_file_changed_by_hand_is_told_by_line_and_memory_stays() {
    let (_directory, path) = place();
    let root = PassphraseProvider::create(&path, PASSPHRASE).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    let as_version = |version: &str| whole.replacen("1 ", &format!("{version} "), 1);
    let cases = [
        (as_version("0"), 1),
        (as_version("x"), 1),
        (format!("{whole}{whole}"), 2),
        (format!("{whole}x\n"), 2),
        (format!("{}{}", as_version("3"), as_version("2")), 2),
    ];
    for (text, line) in cases {
        put(&path, &text, 0o600);
        let told = |error| matches!(error, VaultError::RootKeyMalformed { entry } if entry == line);
        assert!(told(PassphraseProvider::open(&path, PASSPHRASE).unwrap_err()), "{text}");
        assert!(told(root.refresh().unwrap_err()), "{text}");
        assert_eq!(root.versions(), [1], "{text}");
    }
}
