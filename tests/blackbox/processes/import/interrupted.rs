//! Imports that are killed, or run twice at once.

use std::process::Stdio;
use std::time::Duration;

use oubli_tests::both_engines;
use serde_json::Value;

use super::{content, counts, import, person, shop, text, write};

both_engines! {
    async fn a_killed_import_loses_nothing_and_does_nothing_twice(engine: Engine) {
        let (own, whole) = (shop(engine).await, shop(engine).await);
        let mut lines: Vec<Value> = (0..500).flat_map(person).collect();
        lines.insert(700, serde_json::json!({ "type": "subject", "id": "bad" }));
        for place in [&own, &whole] {
            write(place, "people.ndjson", text(&lines));
        }
        let told = import(&whole, "people.ndjson").await;
        assert_eq!((told.code, counts(&told, "subject")), (Some(2), [500, 0, 1]));

        let arguments = ["import", "--app", "shop", "--rejects", "rejects", "people.ndjson"];
        for _ in 0..6 {
            let mut command = own.command(&arguments);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // The moment of the kill is by chance, on purpose: whatever it is, what follows holds.
            let moment = getrandom::u32().unwrap() % 1_500_000;
            tokio::time::sleep(Duration::from_micros(moment.into())).await;
            child.kill().await.unwrap();
        }
        // One that came to its end leaves its rejects and no progress.
        let progress = own.path("people.ndjson.oubli-progress");
        if progress.exists() || !own.path("rejects").exists() {
            let ended = import(&own, "people.ndjson").await;
            assert_eq!(ended.code, Some(2), "{ended:?}");
        }
        assert!(!progress.exists());
        let (left, right) = (content(&own, "shop").await, content(&whole, "shop").await);
        assert_eq!(left.len(), 500);
        assert_eq!(left, right);
        let rejects = std::fs::read_to_string(own.path("rejects")).unwrap();
        assert_eq!(rejects, std::fs::read_to_string(whole.path("rejects")).unwrap());
        assert_eq!(rejects.lines().count(), 1);
    }

    async fn two_imports_of_the_same_lines_do_them_once(engine: Engine) {
        let own = shop(engine).await;
        let lines: Vec<Value> = (0..100).flat_map(person).collect();
        write(&own, "one.ndjson", text(&lines));
        write(&own, "two.ndjson", text(&lines));
        let one = own.run(&["import", "--app", "shop", "one.ndjson"]);
        let two = own.run(&["import", "--app", "shop", "two.ndjson"]);
        let (one, two) = tokio::join!(one, two);
        let (one, two) = (one.succeeds(), two.succeeds());
        for (kind, count) in [("subject", 100), ("record", 200), ("consent", 200)] {
            let (one, two) = (counts(&one, kind), counts(&two, kind));
            assert_eq!([one[0] + two[0], one[1] + two[1]], [count, count], "{kind}");
        }
        assert_eq!(content(&own, "shop").await.len(), 100);
    }
}
