//! Settings: the schema, the plugin's own check, and a plugin that fails over them.

use oubli_policy::{BadOutput, RunError, SettingsError, SettingsProblem};
use serde_json::json;

use crate::fixtures::bench;

#[test]
fn the_schema_and_the_plugin_say_what_is_wrong() {
    let bench = bench();
    let plugin = bench.hostile();
    assert_eq!(plugin.settings(&json!({})).unwrap().json(), "{}");
    let problem = |path: &str, message: &str| {
        SettingsError::Refused(vec![SettingsProblem {
            path: path.to_owned(),
            message: message.to_owned(),
        }])
    };
    let schema = plugin.settings(&json!({"code": 51})).unwrap_err();
    assert_eq!(schema, problem("/code", "breaks the schema's `maximum`"));
    assert_eq!(plugin.settings(&json!({"code": 40})).unwrap_err(), problem("/code", "fine"));
    let escape = plugin.settings(&json!({"code": 41})).unwrap_err();
    assert_eq!(escape, SettingsError::Run(RunError::BadOutput(BadOutput::Message)));
    assert_eq!(
        plugin.settings(&json!({"code": 13})).unwrap_err(),
        SettingsError::Run(RunError::Trap)
    );
    let long = json!({"text": "x".repeat(1024 * 1024)});
    assert_eq!(plugin.settings(&long).unwrap_err(), SettingsError::TooLong);
}
