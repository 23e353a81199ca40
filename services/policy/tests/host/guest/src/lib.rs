//! A well-behaved guest: invoices are kept for as many days as the settings say from their clock
//! start, profiles lose their phone number, everything else is reviewed.

wit_bindgen::generate!({ path: "../../../../../plugins/wit", world: "full-policy" });

use exports::oubli::policy::{audit, guard, retention, settings};
use oubli::policy::types::{Batch, Context, PolicyError, Verdicts};

const NO_DAY: i32 = i32::MIN;
const NO_INDEX: u32 = u32::MAX;

struct Guest;
export!(Guest);

impl settings::Guest for Guest {
    fn validate_settings(json: String) -> Result<(), Vec<settings::SettingsProblem>> {
        match days(&json) {
            Some(_) => Ok(()),
            None => Err(vec![settings::SettingsProblem {
                path: "/days".to_owned(),
                message: "is not a number of days".to_owned(),
            }]),
        }
    }
}

impl retention::Guest for Guest {
    fn evaluate(settings: String, context: Context, batch: Batch) -> Result<Verdicts, PolicyError> {
        let days = days(&settings).ok_or(PolicyError::BadSettings)?;
        let mut out = Out::new();
        for item in 0..batch.category.len() {
            match (category(&batch, item), batch.clock_start[item]) {
                ("invoice", NO_DAY) => {}
                ("invoice", start) if start + days >= context.today => {
                    out.add(item, 1, "invoices", start + days, &[], "");
                }
                ("invoice", _) => out.add(item, 4, "invoices", NO_DAY, &[], ""),
                ("profile", _) => {
                    let phones = fields(&batch, item, |batch, field| {
                        name(batch, field) == "phone" && batch.field_flags[field] & 2 == 0
                    });
                    if !phones.is_empty() {
                        out.add(item, 3, "phones", NO_DAY, &phones, "");
                    }
                }
                _ => out.add(item, 2, "phones", NO_DAY, &[], "no rule for this category"),
            }
        }
        Ok(out.0)
    }
}

impl guard::Guest for Guest {
    fn evaluate(
        settings: String,
        context: Context,
        act: guard::Act,
        batch: Batch,
    ) -> Result<Verdicts, PolicyError> {
        let days = days(&settings).ok_or(PolicyError::BadSettings)?;
        let mut out = Out::new();
        for item in 0..batch.category.len() {
            let last = batch.clock_start[item].saturating_add(days);
            if category(&batch, item) == "invoice" && last >= context.today {
                let until = if act == guard::Act::Request { last } else { NO_DAY };
                let amounts = fields(&batch, item, |batch, field| name(batch, field) == "amount");
                out.add(item, 5, "invoices", until, &amounts, "");
            }
        }
        Ok(out.0)
    }
}

impl audit::Guest for Guest {
    fn evaluate(
        _settings: String,
        _context: Context,
        declared: audit::Declared,
        batch: Batch,
    ) -> Result<Verdicts, PolicyError> {
        let mut out = Out::new();
        for item in 0..batch.category.len() {
            let undeclared = fields(&batch, item, |batch, field| batch.field_flags[field] & 1 == 0);
            for field in undeclared {
                out.add(item, 8, "undeclared", NO_DAY, &[field], "a field is not declared");
            }
            if fields(&batch, item, has_mail).len() > 1 {
                out.add(item, 6, "undeclared", NO_DAY, &[], "two addresses");
            }
        }
        for purpose in 0..declared.purpose.len() {
            if declared.older_notice[purpose] > 0 {
                let message = format!("{} has old consents", declared.purpose[purpose]);
                out.add(usize::MAX, 7, "undeclared", NO_DAY, &[], &message);
            }
        }
        Ok(out.0)
    }
}

fn has_mail(batch: &Batch, field: usize) -> bool {
    let value = batch.field_value.get(field).and_then(|value| batch.strings.get(*value as usize));
    value.is_some_and(|value| value.contains('@'))
}

/// Settings are `{"days":N,…}`, canonical.
fn days(json: &str) -> Option<i32> {
    let digits = json.strip_prefix("{\"days\":")?;
    digits[..digits.find([',', '}'])?].parse().ok()
}

fn category(batch: &Batch, item: usize) -> &str {
    &batch.strings[batch.category[item] as usize]
}

fn name(batch: &Batch, field: usize) -> &str {
    &batch.strings[batch.field_name[field] as usize]
}

fn fields(batch: &Batch, item: usize, matches: impl Fn(&Batch, usize) -> bool) -> Vec<u32> {
    let rows = batch.field_start[item]..batch.field_start[item + 1];
    rows.filter(|field| matches(batch, *field as usize)).collect()
}

struct Out(Verdicts);

impl Out {
    fn new() -> Self {
        Self(Verdicts {
            index: vec![],
            action: vec![],
            rule: vec![],
            until: vec![],
            field_start: vec![0],
            fields: vec![],
            message: vec![],
            strings: vec![],
        })
    }

    fn add(
        &mut self,
        item: usize,
        action: u8,
        rule: &str,
        until: i32,
        fields: &[u32],
        message: &str,
    ) {
        let rule = self.string(rule);
        let message = if message.is_empty() { NO_INDEX } else { self.string(message) };
        self.0.index.push(item as u32);
        self.0.action.push(action);
        self.0.rule.push(rule);
        self.0.until.push(until);
        self.0.fields.extend(fields);
        self.0.field_start.push(self.0.fields.len() as u32);
        self.0.message.push(message);
    }

    fn string(&mut self, text: &str) -> u32 {
        let known = self.0.strings.iter().position(|known| known == text);
        known.unwrap_or_else(|| {
            self.0.strings.push(text.to_owned());
            self.0.strings.len() - 1
        }) as u32
    }
}
