/** An example of what a JSON Schema asks for: what must be there, with the least that will do. */

/**
 * @typedef {{$ref?: string, type?: string | string[], enum?: unknown[], const?: unknown, default?: unknown, minimum?: number, properties?: Record<string, Schema>, required?: string[], items?: Schema, oneOf?: Schema[], anyOf?: Schema[], allOf?: Schema[]}} Schema
 */

/** Schemas may hold themselves. */
const DEPTH_MAX = 6;

/**
 * @param {Schema} schema
 * @param {Record<string, Schema>} named the schemas that a `$ref` leads to
 * @param {number} [depth]
 * @returns {unknown}
 */
export function example(schema, named, depth = 0) {
  if (depth > DEPTH_MAX) return null;
  const next = (/** @type {Schema} */ inner) => example(inner, named, depth + 1);
  if (schema.$ref) return next(named[schema.$ref.split("/").at(-1) ?? ""] ?? {});
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined) return schema.default;
  const choice = schema.oneOf?.[0] ?? schema.anyOf?.[0] ?? schema.allOf?.[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "object" || schema.properties) {
    const fields = (schema.required ?? []).map((name) => [name, next(schema.properties?.[name] ?? {})]);
    return { .../** @type {object} */ (choice ? next(choice) : {}), ...Object.fromEntries(fields) };
  }
  if (choice) return next(choice);
  if (type === "array") return [];
  if (type === "integer" || type === "number") return schema.minimum ?? 0;
  if (type === "boolean") return false;
  return type === "string" ? "" : null;
}
