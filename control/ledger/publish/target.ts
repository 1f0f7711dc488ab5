/** Where a log is published: a bucket, a prefix in it, and the store's address. */
import { UserError } from "../../base/errors.js";
import { isLoopback } from "../../base/loopback.js";
import { visible } from "../../base/text.js";

export interface Target {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** What a URL, a signature and every store spell in one way. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,200}$/;
const MAX_SEGMENTS = 20;

const HINT = "For example: --to s3://ledgers/eu-2026-12 --endpoint https://s3.eu-central-1.amazonaws.com";

export const isStoreUrl = (text: string): boolean => text.startsWith("s3://");

function parsePlace(to: string): { bucket: string; prefix: string } {
  const refuse = (why: string): UserError =>
    new UserError(`"${visible(to)}" is no place to publish: ${why}.`, { hint: HINT });
  if (!isStoreUrl(to)) throw refuse("it does not begin with s3://");
  const [bucket = "", ...segments] = to.slice("s3://".length).replace(/\/$/, "").split("/");
  if (!BUCKET.test(bucket)) throw refuse("a bucket's name has 3 to 63 of a-z, 0-9, dot and hyphen");
  if (segments.length > MAX_SEGMENTS || !segments.every((segment) => SEGMENT.test(segment)))
    throw refuse("a prefix is made of letters, digits, dots, hyphens and underscores, between single slashes");
  return { bucket, prefix: segments.map((segment) => `${segment}/`).join("") };
}

function parseEndpoint(text: string): URL {
  const refuse = (why: string): UserError =>
    new UserError(`"${visible(text)}" is no address of a store: ${why}.`, { hint: HINT });
  if (!URL.canParse(text)) throw refuse("it is no URL");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "")
    throw new UserError("The store's address names a user or a password, which others on this machine could read.", {
      hint: "Keys come from the environment or from --credential-process.",
    });
  if (url.search !== "" || url.hash !== "") throw refuse("it has a query or a fragment");
  const isLocal = isLoopback(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal))
    throw refuse("only https:// is used, and http:// on this machine");
  return url;
}

/** The region that the signature names: as told, or as Amazon's own host names say it; other stores mostly do not care. */
function regionOf({ hostname }: URL, wanted: string | undefined): string {
  if (wanted !== undefined && !/^[a-z0-9-]{1,40}$/.test(wanted))
    throw new UserError(`"${visible(wanted)}" is no region.`, { hint: "For example: --region eu-central-1" });
  return wanted ?? /^s3[.-](?:dualstack\.)?([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(hostname)?.[1] ?? "us-east-1";
}

export function parseTarget(to: string, endpoint: string, region?: string): Target {
  const url = parseEndpoint(endpoint);
  return { ...parsePlace(to), endpoint: url.href.replace(/\/+$/, ""), region: regionOf(url, region) };
}
