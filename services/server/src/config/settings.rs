//! The list of all settings, made from the structs of the configuration: what each is called as a
//! flag, in the environment and in the file, what it means, its default and its bounds.

use std::any::TypeId;
use std::error::Error as _;
use std::num::NonZeroU32;

use clap::{Arg, Args as _, Command};

use super::http::{Limits, RateLimit};
use super::{Listen, Log, RootKey, Storage, Work};

/// The environment variable of the root key itself, which is no key of the file.
pub const ROOT_KEY: &str = "OUBLI_ROOT_KEY";

/// A section of the file.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name in the file.
    pub name: &'static str,
    /// What it is about.
    pub doc: String,
    /// Its settings.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its section in the file.
    pub section: &'static str,
    /// Its key there.
    pub key: String,
    /// How clap knows it.
    pub id: String,
    /// Its flag, without the dashes.
    pub flag: String,
    /// Its environment variable.
    pub env: String,
    /// What it means, and its bounds.
    pub doc: String,
    /// What the file writes it as.
    pub kind: Kind,
    /// What holds unless it is set; none when nothing does.
    pub default: Option<String>,
    /// What its value is called in documentation.
    pub value_name: String,
    /// Whether it may hold a password: its value is never shown.
    pub is_secret: bool,
    arg: Arg,
}

/// The type of a value in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Number,
    /// A text.
    Text,
}

impl Kind {
    /// What it is called in errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a whole number",
            Self::Text => "a text in quotes",
        }
    }

    fn of(arg: &Arg) -> Self {
        let of = arg.get_value_parser().type_id();
        let numbers = [
            TypeId::of::<u64>(),
            TypeId::of::<u32>(),
            TypeId::of::<usize>(),
            TypeId::of::<NonZeroU32>(),
        ];
        if of == TypeId::of::<bool>() {
            Self::Bool
        } else if numbers.iter().any(|number| of == *number) {
            Self::Number
        } else {
            Self::Text
        }
    }
}

impl Setting {
    fn of(section: &'static str, arg: &Arg) -> Option<Self> {
        let id = arg.get_id().to_string();
        let key = id.strip_prefix(&format!("{section}_")).unwrap_or(&id).to_owned();
        let defaults = arg.get_default_values();
        let mut setting = Self {
            section,
            key,
            flag: arg.get_long()?.to_owned(),
            env: arg.get_env()?.to_str()?.to_owned(),
            doc: arg.get_long_help().or_else(|| arg.get_help())?.to_string(),
            kind: Kind::of(arg),
            default: defaults.first().and_then(|value| value.to_str()).map(str::to_owned),
            value_name: arg.get_value_names().and_then(<[_]>::first)?.to_string(),
            is_secret: arg.is_hide_env_values_set(),
            arg: arg.clone().env(None::<&'static str>).global(false),
            id,
        };
        // clap takes the full stop away.
        let bounds = setting.bounds().map(|bounds| format!(" It {bounds}.")).unwrap_or_default();
        setting.doc = format!("{}.{bounds}", setting.doc.trim_end_matches('.'));
        Some(setting)
    }

    /// What it is called in the file: `storage.data_dir`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// What a value must be, in the words that refuse another.
    fn bounds(&self) -> Option<String> {
        match self.kind {
            Kind::Number => self.refusal("?"),
            Kind::Bool => None,
            Kind::Text => {
                let words: Vec<_> = self
                    .arg
                    .get_possible_values()
                    .iter()
                    .map(|value| value.get_name().to_owned())
                    .collect();
                (!words.is_empty()).then(|| format!("must be one of: {}", words.join(", ")))
            }
        }
    }

    /// Why a value, as the environment would give it, is refused; none when it is taken. The value
    /// is not repeated.
    #[must_use]
    pub fn refusal(&self, value: &str) -> Option<String> {
        let command = Command::new("oubli").no_binary_name(true).arg(self.arg.clone());
        let given = format!("--{}={value}", self.flag);
        let error = command.try_get_matches_from([given]).err()?;
        Some(match (self.kind, error.source()) {
            (Kind::Bool, _) => "must be true or false".to_owned(),
            _ if value.is_empty() => "must not be empty: leave it out instead".to_owned(),
            (Kind::Number, Some(source)) => source.to_string(),
            (_, Some(source)) => format!("is not right: {source}"),
            (_, None) => self.bounds().unwrap_or_else(|| "is not acceptable".to_owned()),
        })
    }
}

/// All sections with their settings, in the order of the documentation.
#[must_use]
pub fn sections() -> Vec<Section> {
    [
        ("storage", Storage::augment_args as fn(Command) -> Command),
        ("root_key", RootKey::augment_args),
        ("listen", Listen::augment_args),
        ("work", Work::augment_args),
        ("limits", Limits::augment_args),
        ("rate_limit", RateLimit::augment_args),
        ("log", Log::augment_args),
    ]
    .into_iter()
    .map(|(name, augment)| {
        let command = augment(Command::new(name));
        let settings = command.get_arguments().filter_map(|arg| Setting::of(name, arg)).collect();
        let doc = command.get_about().map(|about| format!("{about}.")).unwrap_or_default();
        Section { name, doc, settings }
    })
    .collect()
}

/// All settings.
#[must_use]
pub fn all() -> Vec<Setting> {
    sections().into_iter().flat_map(|section| section.settings).collect()
}

/// The known name that is most like a wrong one, when one is like it at all.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(wrong, name);
    let nearest = known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(nearest) > 0.75).then_some(nearest)
}
