//! The vault: a value of 1 KiB sealed and opened, a person's key wrapped and unwrapped.
#![expect(clippy::expect_used, reason = "a bench that fails must end")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oubli_domain::clock::SystemClock;
use oubli_domain::{AppId, Clock as _, SubjectId};
use oubli_vault::{AppKey, DataKey};

fn vault(criterion: &mut Criterion) {
    let app = AppId::new("shop").expect("an app");
    let app_key = AppKey::generate(&app, 1);
    let key = DataKey::generate(&app, SubjectId::fresh(SystemClock.now())).expect("a key");
    let value = vec![0x61; 1_024];
    let place = key.field("profile", "main", "notes", 1);
    let sealed = key.seal(&place, &value).expect("sealed");
    let wrapped = key.wrap(&app_key).expect("wrapped");

    let mut group = criterion.benchmark_group("vault");
    group.bench_function("wrap a data key", |bench| {
        bench.iter(|| key.wrap(black_box(&app_key)).expect("wrapped"));
    });
    group.bench_function("unwrap a data key", |bench| {
        bench.iter(|| {
            DataKey::unwrap(&app_key, key.name(), black_box(&wrapped), key.commitment())
                .expect("unwrapped")
        });
    });
    group.throughput(Throughput::Bytes(1_024));
    group.bench_function("seal 1 KiB", |bench| {
        bench.iter(|| key.seal(&place, black_box(&value)).expect("sealed"));
    });
    group.bench_function("open 1 KiB", |bench| {
        bench.iter(|| key.open(&place, black_box(&sealed)).expect("opened"));
    });
}

criterion_group!(benches, vault);
criterion_main!(benches);
