//! Imports that are killed at each of the writes of a batch.

use std::process::Stdio;

use oubli_tests::both_engines;
use serde_json::Value;

use super::{ANY, Place, data, keys, reached};
use crate::processes::import::{content, counts, import, person, shop, text, write};

const BATCH: [Place; 7] = [
    keys("insert", "subject_keys"),
    keys("insert", "blind_indexes"),
    data("insert", "subjects", ANY),
    data("insert", "imported_lines", ANY),
    keys("update", "subject_keys"),
    data("insert", "records", ANY),
    data("insert", "consent_events", ANY),
];

both_engines! {
    async fn an_import_killed_at_any_write_brings_each_line_once(engine: Engine) {
        let (own, whole) = (shop(engine).await, shop(engine).await);
        let lines: Vec<Value> = (0..30).flat_map(person).collect();
        for place in [&own, &whole] {
            write(place, "people.ndjson", text(&lines));
        }
        import(&whole, "people.ndjson").await.succeeds();
        for place in &BATCH {
            let mut stop = place.stop(&own).await;
            let mut command =
                own.command(&["import", "--app", "shop", "--rejects", "rejects", "people.ndjson"]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            reached(&mut stop, place).await;
            child.kill().await.unwrap();
            stop.lift().await.unwrap();
        }
        let told = import(&own, "people.ndjson").await.succeeds();
        for (kind, lines) in [("subject", 30), ("record", 60), ("consent", 60)] {
            let [imported, unchanged, rejected] = counts(&told, kind);
            assert_eq!((imported + unchanged, rejected), (lines, 0), "{kind}");
        }
        let (left, right) = (content(&own, "shop").await, content(&whole, "shop").await);
        assert_eq!(left.len(), 30);
        assert_eq!(left, right);
    }
}
