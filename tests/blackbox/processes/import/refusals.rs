//! Input that is no import, or only in part.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use oubli_tests::both_engines;
use serde_json::{Value, json};

use super::{content, counts, import, person, shop, text, write};

both_engines! {
    async fn files_that_are_something_else_are_refused_whole(engine: Engine) {
        let own = shop(engine).await;
        write(&own, "binary", b"\x7fELF\0\0\0\n\0\0");
        write(&own, "latin", b"name;city\nK\xe1n\xe1rek;Brno\n");
        write(&own, "table.csv", "id,email\n1,ada@example.org\n");
        write(&own, "empty", "");
        for (name, word) in [
            ("binary", "binary"),
            ("latin", "not UTF-8"),
            ("table.csv", "none of its lines"),
            ("empty", "empty"),
            ("missing", "cannot open"),
        ] {
            import(&own, name).await.fails_saying(&[word]);
            assert!(!own.path("rejects").exists(), "{name}");
            assert!(!own.path(&format!("{name}.oubli-progress")).exists(), "{name}");
        }
        write(&own, "good", text(&person(1)));
        let wrong = own.run(&["import", "--app", "nowhere", "good"]).await;
        wrong.fails_saying(&["There is no such app"]);
        let unwritable = ["import", "--app", "shop", "--rejects", "no/folder/r", "good"];
        own.run(&unwritable).await.fails_saying(&["cannot make no/folder/r"]);
        write(&own, "rejects", "somebody's");
        import(&own, "good").await.fails_saying(&["cannot make rejects"]);
        assert_eq!(fs::read_to_string(own.path("rejects")).unwrap(), "somebody's");
        assert!(content(&own, "shop").await.is_empty(), "nothing was imported");
    }

    async fn bad_lines_go_to_the_rejects_and_hold_up_no_others(engine: Engine) {
        let own = shop(engine).await;
        let mut bytes = text(&person(1)).into_bytes();
        bytes.extend(vec![b'x'; 100 << 20]);
        bytes.extend(b"\n{\"type\":\"subject\",\n\xff\xfe\n");
        let future = json!({
            "type": "subject", "id": "f", "identifiers": [], "created_at": "2099-01-01T00:00:00Z",
        });
        bytes.extend(text(&[future]).into_bytes());
        bytes.extend(text(&person(2)).into_bytes());
        write(&own, "people.ndjson", bytes);
        let ended = import(&own, "people.ndjson").await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("personal data"), "{ended:?}");
        assert_eq!(counts(&ended, "subject"), [2, 0, 1]);
        assert_eq!(counts(&ended, "record"), [4, 0, 0]);
        assert_eq!(counts(&ended, "other"), [0, 0, 3]);
        let path = own.path("rejects");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let rejects = fs::read_to_string(&path).unwrap();
        let rows: Vec<Value> =
            rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told: Vec<(u64, &str)> = rows
            .iter()
            .map(|row| (row["line"].as_u64().unwrap(), row["problem"].as_str().unwrap()))
            .collect();
        let json = "malformed-json";
        assert_eq!(told, [(6, "too-large"), (7, json), (8, json), (9, "future-time")]);
        assert!(rows[0].get("text").is_none());
        assert_eq!(rows[1]["text"], "{\"type\":\"subject\",");
        assert_eq!(rows[2]["base64"], "//4=");
        assert_eq!(rows[3]["errors"][0]["pointer"], "/created_at");
    }

    async fn a_file_that_lost_its_end_is_told_of(engine: Engine) {
        let own = shop(engine).await;
        write(&own, "people.ndjson", text(&[person(1), person(2)].concat()));
        import(&own, "people.ndjson").await.succeeds();
        own.run(&["export", "--app", "shop", "whole.ndjson"]).await.succeeds();
        let whole = fs::read_to_string(own.path("whole.ndjson")).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let altered = whole.replacen("Person 1", "Person 9", 1);
        for (name, text) in [
            ("truncated", lines[..lines.len() - 1].join("\n")),
            ("cut", whole[..whole.len() - 40].to_owned()),
            ("altered", altered),
            ("followed", format!("{whole}{}\n", lines[1])),
        ] {
            let other = shop(engine).await;
            write(&other, name, text);
            let ended = other.run(&["import", "--app", "shop", name]).await;
            assert_eq!(ended.code, Some(2), "{name}: {ended:?}");
            assert!(ended.stdout.contains("truncated or was altered"), "{name}: {ended:?}");
            assert_eq!(content(&other, "shop").await.len(), 2, "{name}");
        }
    }
}
