//! The state of a consent folded from its history, of several lengths.
#![expect(clippy::expect_used, reason = "a bench that fails must end")]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use oubli_domain::consent::{Action, ConsentEvent, CurrentConsent, Language, Shown, Terms};
use oubli_domain::{EventId, Name, Time};

const START: Time = Time(1_772_443_800_000_000);

/// Grants and withdrawals in turn, a minute apart.
fn history(length: u32) -> Vec<ConsentEvent> {
    let name = Name::new("newsletter").expect("a name");
    let language = Language::new("en").expect("a language");
    let shown = Shown { notice: name.clone(), version: 1, language };
    (0..length)
        .map(|number| {
            let at = START.plus_seconds(60 * i64::from(number));
            let granted = number % 2 == 0;
            ConsentEvent {
                id: EventId::fresh(at),
                purpose: name.clone(),
                action: if granted { Action::Granted } else { Action::Withdrawn },
                shown: granted.then(|| shown.clone()),
                occurred_at: at,
                recorded_at: at,
                seq: i64::from(number),
            }
        })
        .collect()
}

fn consents(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("consent folding");
    for length in [1_u32, 10, 1_000] {
        let events = history(length);
        let now = START.plus_seconds(60 * i64::from(length));
        group.throughput(Throughput::Elements(length.into()));
        group.bench_with_input(BenchmarkId::from_parameter(length), &events, |bench, events| {
            let terms = Terms::default();
            bench.iter_batched(
                || events.clone(),
                |events| CurrentConsent::fold_at(events, &terms, now),
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, consents);
criterion_main!(benches);
