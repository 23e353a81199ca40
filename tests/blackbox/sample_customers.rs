//! A shop's real customers go in, come out equal, and leave. Runs when `OUBLI_SAMPLE_CUSTOMERS`
//! names a folder with `customers.ndjson` and `invoices.ndjson` (a JSON object a line, columns as
//! in the Chinook sample database).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oubli_tests::{Caller, TestServer, both_engines, data_map};
use serde_json::{Map, Value, json};

type Row = Map<String, Value>;

fn rows(folder: &Path, name: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// `PostalCode` becomes `postal_code`.
fn field_name(column: &str) -> String {
    let mut name = String::new();
    for letter in column.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn body(row: &Row) -> Value {
    row.iter().map(|(column, value)| (field_name(column), value.clone())).collect()
}

/// A data map with every column as a field, and a purpose that reads all of them.
fn map_of(customers: &[Row], invoices: &[Row]) -> Value {
    let fields = |rows: &[Row]| -> Value {
        let field = json!({
            "schema": { "type": ["string", "number", "null"] },
            "classification": "other", "origin": "provided",
        });
        rows[0].keys().map(|column| (field_name(column), field.clone())).collect()
    };
    let category = |title: &str, fields: Value| json!({ "title": title, "clock_start": { "from": "created" }, "fields": fields });
    let mut map = data_map();
    map["categories"] = json!({
        "profile": category("Profile", fields(customers)),
        "invoice": category("Invoices", fields(invoices)),
    });
    map["purposes"] = json!({ "service": {
        "title": "Service", "lawful_basis": "contract",
        "reads": { "profile": ["*"], "invoice": ["*"] },
    } });
    map
}

/// The sample, when there is one.
fn sample() -> Option<(Vec<Row>, Vec<Row>)> {
    let Some(folder) = std::env::var_os("OUBLI_SAMPLE_CUSTOMERS").map(PathBuf::from) else {
        say("OUBLI_SAMPLE_CUSTOMERS is not set: the sample customers were NOT tried");
        return None;
    };
    Some((rows(&folder, "customers.ndjson"), rows(&folder, "invoices.ndjson")))
}

/// The sample as lines of an import into the guides' shop.
pub(crate) fn import_lines() -> Option<String> {
    let (customers, invoices) = sample()?;
    let people = customers.iter().flat_map(|row| {
        let id = format!("customer-{}", row["CustomerId"]);
        let text = |column: &str| row[column].as_str().unwrap_or_default().to_owned();
        let name = format!("{} {}", text("FirstName"), text("LastName"));
        let address = format!("{}, {}", text("Address"), text("City"));
        let identifiers = json!([{ "type": "email", "value": text("Email") }]);
        let body = json!({ "name": name, "address": address });
        [
            json!({ "type": "subject", "id": id, "identifiers": identifiers }),
            json!({
                "type": "record", "id": format!("{id}/profile"), "subject": id,
                "category": "profile", "record": "main", "body": body,
            }),
        ]
    });
    let bills = invoices.iter().map(|row| {
        let date = row["InvoiceDate"].as_str().unwrap().split(' ').next();
        let number = row["InvoiceId"].to_string();
        json!({
            "type": "record", "id": format!("invoice-{number}"),
            "subject": format!("customer-{}", row["CustomerId"]), "category": "invoice",
            "record": number, "body": { "date": date, "total": row["Total"] },
        })
    });
    Some(people.chain(bills).map(|line| format!("{line}\n")).collect::<Vec<_>>().concat())
}

/// Past the test harness, which hides what passing tests print.
fn say(text: &str) {
    use std::io::Write as _;
    let _closed = writeln!(std::io::stderr(), "oubli-tests: {text}");
}

/// Creates a customer with the identifiers that are valid, and gives the id.
async fn create(shop: &Caller, customer: &Row) -> (String, bool) {
    let number = customer["CustomerId"].to_string();
    let new = json!({ "identifiers": [
        { "type": "email", "value": customer["Email"] },
        { "type": "external_id", "value": number },
    ] });
    let subject = shop.post("/subjects", &new).await.expect_status(201).text("/subject");
    let Some(phone) = customer["Phone"].as_str() else { return (subject, false) };
    let identifier = json!({ "type": "phone", "value": phone });
    let added = shop.post(&format!("/subjects/{subject}/identifiers"), &identifier).await;
    if added.status == 422 {
        added.expect_problem(422, "invalid-identifier");
        return (subject, false);
    }
    added.expect_status(201);
    let found = shop.lookup("phone", phone).await.expect_status(200);
    assert_eq!(found.text("/subject"), subject);
    (subject, true)
}

async fn put_all(shop: &Caller, of: &BTreeMap<i64, String>, customers: &[Row], invoices: &[Row]) {
    let owner = |row: &Row| of[&row["CustomerId"].as_i64().unwrap()].clone();
    let profiles = customers.iter().map(|row| {
        json!({
            "subject": owner(row), "category": "profile", "record": "main", "body": body(row),
        })
    });
    let bills = invoices.iter().map(|row| {
        json!({
            "identifier": { "type": "external_id", "value": row["CustomerId"].to_string() },
            "category": "invoice", "record": row["InvoiceId"].to_string(), "body": body(row),
        })
    });
    let items: Vec<Value> = profiles.chain(bills).collect();
    for items in items.chunks(1_000) {
        let reply =
            shop.post("/records:batch", &json!({ "items": items })).await.expect_status(200);
        let results = reply.body["items"].as_array().unwrap();
        assert_eq!(results.len(), items.len());
        assert!(results.iter().all(|result| result["status"] == 201), "{}", reply.body);
    }
}

/// Reads a row back and compares every value.
async fn compare(shop: &Caller, subject: &str, place: &str, row: &Row) {
    let path = format!("/subjects/{subject}/records/{place}?purpose=service");
    let read = shop.get(&path).await.expect_status(200);
    assert_eq!(read.body["body"], body(row), "{place}");
}

both_engines! {
    async fn they_come_in_are_exported_and_leave(engine: Engine) {
        let Some((customers, invoices)) = sample() else { return };
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let map = map_of(&customers, &invoices);
        shop.put("/data-map", &map).await.expect_status(201);
        let (mut of, mut phones) = (BTreeMap::new(), 0);
        for customer in &customers {
            let (subject, has_phone) = create(&shop, customer).await;
            phones += usize::from(has_phone);
            of.insert(customer["CustomerId"].as_i64().unwrap(), subject);
        }
        put_all(&shop, &of, &customers, &invoices).await;
        for customer in &customers {
            let subject = &of[&customer["CustomerId"].as_i64().unwrap()];
            compare(&shop, subject, "profile/main", customer).await;
            let found = shop.lookup("email", customer["Email"].as_str().unwrap()).await;
            assert_eq!(found.expect_status(200).text("/subject"), *subject);
        }
        for invoice in &invoices {
            let subject = &of[&invoice["CustomerId"].as_i64().unwrap()];
            compare(&shop, subject, &format!("invoice/{}", invoice["InvoiceId"]), invoice).await;
        }

        let first = customers[0]["CustomerId"].clone();
        let bundle = shop.export("access", &of[&first.as_i64().unwrap()]).await;
        let profiles = bundle.rows("records/profile.ndjson");
        assert_eq!(profiles.len(), 1);
        assert_eq!(profiles[0]["fields"], body(&customers[0]));
        let mut exported: Vec<Value> =
            bundle.rows("records/invoice.ndjson").iter().map(|row| row["fields"].clone()).collect();
        let mut theirs: Vec<Value> =
            invoices.iter().filter(|row| row["CustomerId"] == first).map(body).collect();
        exported.sort_by_key(|row| row["invoice_id"].as_i64());
        theirs.sort_by_key(|row| row["invoice_id"].as_i64());
        assert!(!theirs.is_empty());
        assert_eq!(exported, theirs);

        let mut erased = 0;
        for (number, subject) in &of {
            let claims = shop.erase(subject).await;
            let bills = invoices.iter().filter(|row| row["CustomerId"] == *number).count();
            assert_eq!(claims.deleted["records"], u64::try_from(bills).unwrap() + 1);
            erased += claims.deleted["records"];
        }
        assert_eq!(erased, u64::try_from(customers.len() + invoices.len()).unwrap());
        assert_eq!(shop.all_pages("/subjects", 100).await, Vec::<Value>::new());
        for customer in &customers {
            let gone = shop.lookup("email", customer["Email"].as_str().unwrap()).await;
            gone.expect_problem(404, "subject-not-found");
        }
        say(&format!(
            "{} customers ({phones} with a phone number) and {} invoices went in, came out equal \
             and were erased on {engine:?}", customers.len(), invoices.len()
        ));
    }
}
