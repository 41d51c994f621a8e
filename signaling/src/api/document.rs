//! The API's document (OpenAPI 3.1) and the schema of all messages, made once from the same tables
//! that answer.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use wire_format::{Schemas, protocol_schema};

use super::route::{Gives, Operation, Takes};
use super::routes::routes;
use crate::refused;

const SCHEMAS: &str = "#/components/schemas";

static OPENAPI: LazyLock<String> = LazyLock::new(|| build().to_string());
static SCHEMA: LazyLock<String> = LazyLock::new(|| protocol_schema().to_string());

/// `GET /v1/openapi.json`
pub(crate) async fn openapi() -> Response {
    refused::json(StatusCode::OK, OPENAPI.clone())
}

/// `GET /v1/schema.json`
pub(crate) async fn schema() -> Response {
    refused::json(StatusCode::OK, SCHEMA.clone())
}

fn build() -> Value {
    let schemas = Schemas::new("/components/schemas");
    let mut paths = Map::new();
    for route in routes() {
        let operations = route.operations.iter().map(|operation| {
            (operation.method.to_owned(), describe(operation, route.path, &schemas))
        });
        paths.insert(route.path.to_owned(), Value::Object(operations.collect()));
    }
    let webhooks: Map<_, _> =
        schemas.letters().map(|(kind, letter)| (kind.to_owned(), told(&letter))).collect();
    let mut components = schemas.definitions;
    for (name, schema) in schemas.answers.into_iter().chain(schemas.requests) {
        components.entry(name.to_owned()).or_insert(schema);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lianmai",
            "version": "1",
            "description": "Live rooms: hosts, battles, sales. Messages and events: docs/PROTOCOL.md.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    })
}

/// A letter as a back end gets it; docs/WEBHOOKS.md says who signed it.
fn told(letter: &Value) -> Value {
    let body = json!({"required": true,
        "content": {"application/webhook+json": {"schema": letter}}});
    let taken = json!({"description": "Taken; the next letter about the room may come."});
    json!({"post": {"requestBody": body, "responses": {"2XX": taken}}})
}

fn describe(operation: &Operation, path: &str, schemas: &Schemas) -> Value {
    let mut responses = Map::new();
    for (status, gives) in &operation.gives {
        responses.insert(status.to_string(), answer(*gives));
    }
    let problem = json!({"$ref": format!("{SCHEMAS}/Problem")});
    let problem = json!({"description": "Refused; `code` says why.",
        "content": {"application/problem+json": {"schema": problem}}});
    // SRS's clients have an envelope of their own.
    let is_srs = path.starts_with("/rtc/");
    let srs_problem = json!({"description": "Refused.", "content": {"application/json": {}}});
    responses.insert("default".to_owned(), if is_srs { srs_problem } else { problem });

    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters(operation, path),
        "responses": responses,
        "security": if operation.needs_token { json!([{"token": []}]) } else { json!([]) },
    });
    if let Some(body) = request_body(operation.takes, schemas) {
        described["requestBody"] = body;
    }
    described
}

fn parameters(operation: &Operation, path: &str) -> Vec<Value> {
    let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<_> = in_path
        .map(|name| {
            json!({"name": name, "in": "path", "required": true,
                "schema": {"type": "string", "minLength": 1, "maxLength": 128}})
        })
        .collect();
    parameters.extend(operation.query.iter().map(|(name, kind)| {
        json!({"name": name, "in": "query", "required": false, "schema": {"type": kind}})
    }));
    if operation.is_idempotent_by_key {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 64});
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "required": false,
            "schema": schema}));
    }
    parameters
}

fn request_body(takes: Takes, schemas: &Schemas) -> Option<Value> {
    let (content_type, schema, required) = match takes {
        Takes::Nothing => return None,
        Takes::Json("Srs") => ("application/json", srs(), true),
        Takes::Json(name) => {
            ("application/json", json!({"$ref": format!("{SCHEMAS}/{name}")}), true)
        }
        Takes::Message(t, in_path) => {
            let schema = body_of(t, in_path, schemas);
            let required = schema["required"].as_array().is_some_and(|fields| !fields.is_empty());
            ("application/json", schema, required)
        }
        Takes::AnyMessage => ("application/json", any_message(schemas), true),
        Takes::Sdp => ("application/sdp", json!({"type": "string"}), true),
        Takes::SdpFragment => ("application/trickle-ice-sdpfrag", json!({"type": "string"}), true),
    };
    Some(json!({"required": required, "content": {content_type: {"schema": schema}}}))
}

/// Returns the schema of a message's `d` without the fields that the path holds.
fn body_of(t: &str, in_path: &[&str], schemas: &Schemas) -> Value {
    let (_, schema) = schemas.commands.iter().find(|(name, _)| *name == t).expect("a message");
    if in_path.is_empty() {
        return schema.clone();
    }
    let name = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next());
    let mut schema = name.map_or_else(|| schema.clone(), |name| schemas.definitions[name].clone());
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.retain(|field, _| !in_path.contains(&field.as_str()));
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|field| !in_path.iter().any(|held| field == held));
    }
    schema
}

fn any_message(schemas: &Schemas) -> Value {
    let messages = schemas.commands.iter().map(|(t, d)| {
        json!({"title": t, "type": "object", "required": ["t"],
            "properties": {"t": {"const": t}, "d": d}})
    });
    json!({"oneOf": messages.collect::<Vec<_>>()})
}

fn srs() -> Value {
    json!({"type": "object", "required": ["streamurl", "sdp"],
        "properties": {"streamurl": {"type": "string"}, "sdp": {"type": "string"}}})
}

fn answer(gives: Gives) -> Value {
    if let Gives::JsonOrCsv(name) = gives {
        let mut both = answer(Gives::Json(name));
        both["content"]["text/csv"] = json!({"schema": {"type": "string"}});
        return both;
    }
    let (content_type, schema) = match gives {
        Gives::Nothing => return json!({"description": "Done."}),
        Gives::Json(name) | Gives::JsonOrCsv(name) => {
            ("application/json", json!({"$ref": format!("{SCHEMAS}/{name}")}))
        }
        Gives::AnyJson => ("application/json", json!({})),
        Gives::Sdp => ("application/sdp", json!({"type": "string"})),
        Gives::SdpFragment => ("application/trickle-ice-sdpfrag", json!({"type": "string"})),
        Gives::Jpeg => ("image/jpeg", json!({})),
    };
    json!({"description": "Done.", "content": {content_type: {"schema": schema}}})
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
        let document = build();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"").skip(1) {
            let reference = reference.split('"').next().expect("a quote ends it");
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        let mut ids = HashSet::new();
        let mut count = 0;
        for route in routes() {
            for operation in &route.operations {
                assert!(ids.insert(operation.id), "{} twice", operation.id);
                count += 1;
            }
        }
        assert!(count > 40, "only {count} operations");
        assert_eq!(
            document["webhooks"].as_object().map(Map::len),
            Some(wire_format::letter_kinds().count())
        );
    }
}
