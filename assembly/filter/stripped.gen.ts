/** Generated from config/stripped.json by scripts/generate.mjs. Do not edit. */
import { Ascii, ascii } from "../host/ascii";

/** Headers that every allowed request loses. */
export const alwaysStripped: StaticArray<Ascii> = [
  ascii("authorization"),
  ascii("dpop"),
  ascii("x-http-method-override"),
  ascii("x-http-method"),
  ascii("x-method-override"),
  ascii("x-original-method"),
  ascii("x-forwarded-method"),
  ascii("x-original-url"),
  ascii("x-rewrite-url"),
  ascii("x-original-path"),
  ascii("x-original-uri"),
  ascii("x-forwarded-uri"),
  ascii("x-forwarded-path"),
  ascii("x-forwarded-prefix"),
  ascii("forwarded"),
  ascii("x-forwarded-host"),
  ascii("x-forwarded-server"),
  ascii("x-host"),
  ascii("x-original-host"),
  ascii("x-http-host-override"),
];

/** How many those are. */
export const ALWAYS_STRIPPED_COUNT: i32 = 20;
