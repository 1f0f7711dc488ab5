/** As much of JSON Schema, draft 4, as config/kong/glassgate.meta.json uses; a keyword beyond that is an error of the test. */
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../../control/base/schema.js";

const KNOWN = new Set([
  ...["title", "description", "type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems"],
  ...["maxItems", "items", "properties", "required", "additionalProperties", "anyOf", "oneOf", "allOf"],
]);

const typeOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "array"
      : typeof value === "number"
        ? Number.isInteger(value)
          ? "integer"
          : "number"
        : typeof value;

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const number = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise);

/** Why the value does not fit, or undefined. */
export function draft4Fault(schema: unknown, value: unknown, at = "config"): string | undefined {
  if (!isRecord(schema)) return undefined;
  const stranger = Object.keys(schema).find((keyword) => !KNOWN.has(keyword));
  if (stranger !== undefined) throw new Error(`the schema uses ${stranger}, which is not draft 4 or not known here`);
  const type = typeOf(value);
  const types = [schema.type].flat().filter((one) => one !== undefined);
  if (types.length > 0 && !types.includes(type) && !(type === "integer" && types.includes("number")))
    return `${at}: wrong type: expected one of ${types.join(", ")}, got ${type}`;
  if (schema.enum !== undefined && !list(schema.enum).some((one) => isDeepStrictEqual(one, value)))
    return `${at}: matches none of the enum values`;
  for (const keyword of ["anyOf", "oneOf"] as const) {
    const branches = list(schema[keyword]);
    const fitting = branches.filter((branch) => draft4Fault(branch, value, at) === undefined).length;
    if (branches.length > 0 && (fitting === 0 || (keyword === "oneOf" && fitting > 1)))
      return `${at}: object matches ${fitting} of the alternatives`;
  }
  for (const part of list(schema.allOf)) {
    const fault = draft4Fault(part, value, at);
    if (fault !== undefined) return fault;
  }
  if (typeof value === "string") {
    if (typeof schema.pattern === "string" && !new RegExp(schema.pattern).test(value))
      return `${at}: failed to match pattern`;
    if (value.length < number(schema.minLength, 0) || value.length > number(schema.maxLength, Number.POSITIVE_INFINITY))
      return `${at}: wrong length`;
  }
  if (typeof value === "number") {
    const [min, max] = [
      number(schema.minimum, Number.NEGATIVE_INFINITY),
      number(schema.maximum, Number.POSITIVE_INFINITY),
    ];
    if (value < min || value > max) return `${at}: expected ${value} to be between ${min} and ${max}`;
  }
  if (Array.isArray(value)) {
    if (value.length < number(schema.minItems, 0) || value.length > number(schema.maxItems, Number.POSITIVE_INFINITY))
      return `${at}: wrong number of items`;
    for (const [i, item] of value.entries()) {
      const fault = draft4Fault(schema.items, item, `${at}[${i}]`);
      if (fault !== undefined) return fault;
    }
  }
  return isRecord(value) ? objectFault(schema, value, at) : undefined;
}

function objectFault(
  schema: Readonly<Record<string, unknown>>,
  value: Readonly<Record<string, unknown>>,
  at: string,
): string | undefined {
  const properties = isRecord(schema.properties) ? schema.properties : {};
  for (const name of list(schema.required))
    if (!Object.hasOwn(value, String(name))) return `${at}: property ${name} is required`;
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(properties, name)) {
      if (schema.additionalProperties === false) return `${at}: additional properties forbidden, found ${name}`;
      continue;
    }
    const fault = draft4Fault(properties[name], member, `${at}.${name}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
