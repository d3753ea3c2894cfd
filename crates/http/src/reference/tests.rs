use serde_json::json;

use super::*;
use crate::page::tests::{assert_well_kept, get_from};

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Backstop <API>", "description": "One-time codes.", "license": { "url": "https://example.org" } },
        "tags": [{ "name": "Verifications", "description": "Start and check." }],
        "security": [{ "bearer": [] }],
        "paths": {
            "/v1/verifications": { "post": {
                "tags": ["Verifications"],
                "summary": "Start a verification",
                "parameters": [{ "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "maxLength": 64 } }],
                "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Start" } } } },
                "responses": {
                    "201": { "description": "Started", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Verification" } } } },
                    "429": { "$ref": "#/components/responses/Limited" }
                }
            } },
            "/v1/verifications/{id}": { "get": {
                "tags": ["Verifications"],
                "parameters": [{ "name": "id", "in": "path", "required": true, "description": "Which.", "schema": { "type": "string" } }],
                "responses": { "200": { "description": "It", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Loop" } } } } }
            } },
            "/healthz": { "get": { "security": [], "responses": { "200": { "description": "Alive" } } } }
        },
        "components": {
            "responses": { "Limited": { "description": "A limit said no", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } } },
            "schemas": {
                "Start": { "type": "object", "required": ["to"], "properties": {
                    "to": { "type": "string", "description": "Where the code goes.", "examples": ["+14155550123"] },
                    "channel": { "oneOf": [
                        { "type": "null" },
                        { "$ref": "#/components/schemas/Channel", "description": "This channel alone." },
                    ] },
                    "code_length": { "type": ["integer", "null"], "minimum": 4, "maximum": 10 },
                    "client": { "$ref": "#/components/schemas/Client" },
                    "metadata": { "type": "object", "additionalProperties": { "type": "string" } }
                } },
                "Client": { "type": "object", "properties": { "ip": { "type": "string", "format": "ipv4" } } },
                "Channel": { "type": "string", "enum": ["sms", "email"] },
                "Verification": { "allOf": [
                    { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } },
                    { "type": "object", "properties": { "attempts": { "type": "array", "items": { "type": "object", "properties": { "state": { "type": "string" } } } } } }
                ] },
                "Loop": { "type": "object", "properties": { "next": { "$ref": "#/components/schemas/Loop" }, "here": { "$ref": "#/nowhere" } } },
                "Problem": { "type": "object", "properties": { "code": { "type": "string" } } }
            }
        }
    })
}

fn field<'a>(fields: &'a [Field], name: &str) -> &'a Field {
    fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("{name}: {fields:?}"))
}

#[test]
fn a_reader_finds_every_field_with_its_type_in_words() {
    let openapi = document();
    let groups = groups(&Document(&openapi));
    assert_eq!(
        groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(),
        ["Verifications", "Other"]
    );
    let start = &groups[0].calls[0];
    let fields = &start.body.as_ref().unwrap().fields;
    assert!(fields[0].name == "to" && fields[0].required, "what is needed comes first");
    assert_eq!(field(fields, "channel").kind, "one of sms, email or null");
    assert_eq!(field(fields, "channel").about, "This channel alone.");
    assert_eq!(field(fields, "code_length").kind, "integer or null, 4 to 10");
    assert_eq!(field(fields, "client.ip").kind, "string, ipv4");
    assert_eq!(field(fields, "metadata").kind, "map of string");
    assert_eq!(start.parameters[0].field.kind, "string, at most 64 characters");

    let answer = &start.answers[0];
    assert!(field(&answer.fields, "id").required);
    assert_eq!(field(&answer.fields, "attempts[].state").kind, "string");
    assert_eq!((start.errors[0].status.as_str(), start.errors[0].about.as_str()), ("429", "A limit said no"));
    assert_eq!(field(&start.errors[0].fields, "code").kind, "string");
}

#[test]
fn every_call_has_a_command_with_what_it_needs_and_no_more() {
    let openapi = document();
    let groups = groups(&Document(&openapi));
    assert_eq!(
        groups[0].calls[0].curl,
        "curl -s http://127.0.0.1:8080/v1/verifications \\\n  -H 'authorization: Bearer sk_dev' \\\n  \
         -H 'content-type: application/json' \\\n  -d '{\"to\":\"+14155550123\"}'"
    );
    assert!(groups[0].calls[1].curl.starts_with("curl -s http://127.0.0.1:8080/v1/verifications/ID \\"));
    assert_eq!(groups[1].calls[0].curl, "curl -s http://127.0.0.1:8080/healthz");
    assert!(!groups[1].calls[0].credentials);
}

#[test]
fn a_schema_that_holds_itself_comes_to_an_end() {
    let openapi = document();
    let fields = Document(&openapi).fields(&openapi["components"]["schemas"]["Loop"]);
    assert!(fields.len() < 10, "{fields:?}");
    assert_eq!(field(&fields, "here").kind, "any");
}

#[tokio::test]
async fn the_reference_loads_nothing_from_elsewhere_and_keeps_text_text() {
    let page = get_from(&router(&document()), "/docs").await;
    assert_well_kept(&page);
    assert!(page.body.contains("Backstop &lt;API&gt;"));
    assert!(page.body.contains("Start a verification"));
    for code in crate::error::Code::ALL {
        let anchor = format!("id=\"errors-{}\"", code.as_str());
        assert!(page.body.contains(&anchor), "a problem's type leads nowhere: {anchor}");
    }
    assert!(!page.body.contains("example.org"));
}

#[test]
fn a_document_that_is_none_still_makes_a_page() {
    for odd in [json!(null), json!([]), json!({ "paths": { "/x": { "get": 1 }, "/y": { "post": {} } } })] {
        assert!(render(&odd).contains("API reference"));
    }
}
