//! The blind index of an e-mail address and of a phone number, from the text as it was typed.
#![expect(clippy::expect_used, reason = "a bench that fails must end")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use oubli_domain::identifier::{IdentifierType, normalise};
use oubli_vault::IndexKey;

fn blind_index(criterion: &mut Criterion) {
    let key = IndexKey::generate();
    let mut group = criterion.benchmark_group("blind index");
    for (name, kind, typed) in [
        ("e-mail", IdentifierType::Email, "Mila.Ekdahl@Example.org "),
        ("phone", IdentifierType::Phone, "01 99 00 12 34"),
    ] {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let normalised = normalise(kind, black_box(typed), Some("FR")).expect("valid");
                key.blind_index(kind.as_str(), normalised.value().expose())
            });
        });
    }
}

criterion_group!(benches, blind_index);
criterion_main!(benches);
