//! Sealed bytes. Whatever is handed in for a ciphertext, a wrapped key or a stream is refused unless
//! it was sealed; what was sealed opens to the same bytes; and any change of it is seen.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oubli_domain::{AppId, SubjectId, Time};
use oubli_vault::aead::{OVERHEAD_BYTES, TAG_BYTES};
use oubli_vault::chunked::{CHUNK_BYTES, STREAM_HEADER_BYTES};
use oubli_vault::{AppKey, BundleKey, ChunkOpener, ChunkSealer, DataKey};

struct Keys {
    app: AppKey,
    data: DataKey,
    bundle: BundleKey,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let app = AppId::new("shop").expect("a name");
    Keys {
        data: DataKey::generate(&app, SubjectId::fresh(Time(0))).expect("a key"),
        app: AppKey::generate(&app, 1),
        bundle: BundleKey::generate(),
    }
});

fuzz_target!(|input: &[u8]| {
    what_was_not_sealed_is_refused(input);
    a_field_opens_to_the_same_and_no_other_bytes_open(input);
    a_stream_opens_to_the_same_and_no_other_bytes_open(input);
    // Full chunks take a while: only for inputs that say no more than their order.
    if let Some((0, chosen)) = input.split_first()
        && chosen.len() <= 5
    {
        no_other_order_of_chunks_opens(chosen);
    }
});

fn what_was_not_sealed_is_refused(input: &[u8]) {
    let Keys { app, data, bundle } = &*KEYS;
    assert!(data.open(&data.field("profile", "main", "email", 1), input).is_err());
    assert!(app.open_secret("index/email", 1, input).is_err());
    assert!(DataKey::unwrap(app, data.name(), input, data.commitment()).is_err());
    assert!(BundleKey::unwrap(data, "exp_1", input).is_err());
    let header = &input[..input.len().min(STREAM_HEADER_BYTES)];
    if let Ok(mut opener) = ChunkOpener::new(bundle, header) {
        let rest = &input[header.len()..];
        assert!(opener.open(rest, false).is_err());
        assert!(opener.open(rest, true).is_err());
        assert!(opener.finish().is_err());
    }
}

fn a_field_opens_to_the_same_and_no_other_bytes_open(text: &[u8]) {
    let key = &KEYS.data;
    let place = key.field("profile", "main", "email", 1);
    let sealed = key.seal(&place, text).expect("short enough");
    assert_eq!(sealed.len(), text.len() + OVERHEAD_BYTES);
    assert_eq!(key.open(&place, &sealed).expect("it was sealed").as_slice(), text);
    // All bytes around the text, and one of it.
    let before = OVERHEAD_BYTES - TAG_BYTES;
    let tag = sealed.len() - TAG_BYTES..sealed.len();
    for at in (0..before).chain(tag).chain([before + pick(text, text.len())]) {
        assert!(key.open(&place, &changed(&sealed, at, text)).is_err(), "byte {at}");
    }
    assert!(key.open(&place, &sealed[..pick(text, sealed.len())]).is_err());
    assert!(key.open(&place, &[&sealed[..], &text[..text.len().min(1)], &[0]].concat()).is_err());
}

fn a_stream_opens_to_the_same_and_no_other_bytes_open(text: &[u8]) {
    let key = BundleKey::generate();
    let mut sealer = ChunkSealer::new(&key);
    let chunk = sealer.seal(text, true).expect("a chunk");
    let opener = || ChunkOpener::new(&key, sealer.header()).expect("its own header");
    let mut whole = opener();
    assert_eq!(whole.open(&chunk, true).expect("it was sealed").as_slice(), text);
    assert!(whole.finish().is_ok());
    assert!(opener().open(&chunk, false).is_err());
    let tag = chunk.len() - TAG_BYTES;
    for at in [pick(text, chunk.len()), tag + pick(text, TAG_BYTES)] {
        assert!(opener().open(&changed(&chunk, at, text), true).is_err(), "byte {at}");
    }
    let header = changed(sealer.header(), pick(text, STREAM_HEADER_BYTES), text);
    let other = ChunkOpener::new(&key, &header).and_then(|mut other| other.open(&chunk, true));
    assert!(other.is_err());
}

/// A stream of three chunks is read with its chunks as the input chooses: moved, left out, repeated,
/// or without its end. It opens whole only as it was sealed.
fn no_other_order_of_chunks_opens(chosen: &[u8]) {
    let key = BundleKey::generate();
    let mut sealer = ChunkSealer::new(&key);
    let full = vec![chosen.last().copied().unwrap_or(0); CHUNK_BYTES];
    let mut seal = |text: &[u8], last| sealer.seal(text, last).expect("a chunk");
    let sealed = [seal(&full, false), seal(&full, false), seal(chosen, true)];
    let order: Vec<usize> = chosen.iter().map(|byte| usize::from(*byte) % sealed.len()).collect();
    for order in [&[0, 1, 2][..], &order] {
        let mut opener = ChunkOpener::new(&key, sealer.header()).expect("its own header");
        let opened = order.iter().enumerate().try_for_each(|(at, chunk)| {
            let text = opener.open(&sealed[*chunk], at + 1 == order.len())?;
            assert_eq!(text.as_slice(), if *chunk == 2 { chosen } else { &full[..] });
            Ok::<(), oubli_vault::VaultError>(())
        });
        let whole = opened.and_then(|()| opener.finish()).is_ok();
        assert_eq!(whole, order == [0, 1, 2], "{order:?}");
    }
}

/// A place that the input chooses, below `length`.
fn pick(input: &[u8], length: usize) -> usize {
    let [a, b] = *input.first_chunk().unwrap_or(&[0, 0]);
    usize::from(u16::from_be_bytes([a, b])) % length.max(1)
}

/// The bytes with the one at `at` changed in a way that the input chooses.
fn changed(bytes: &[u8], at: usize, input: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at] ^= input.last().copied().unwrap_or(1).max(1);
    changed
}
