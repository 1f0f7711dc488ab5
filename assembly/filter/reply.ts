/** The answer to a denied request: RFC 9457 problem details and a WWW-Authenticate challenge (RFC 6750, section 3). */
import { Verdict, verdictCode, verdictError, verdictStatus, verdictTitle } from "../decide/verdict.gen";
import { ascii } from "../host/ascii";
import { sendLocalResponse } from "../host/calls";
import { HeaderBuilder } from "../host/headers";
import { Writer } from "../text/writer";
import { requestId } from "./firstrecord";
import { Incoming } from "./incoming";
import { writeMalformed } from "./malformed";

const WWW_AUTHENTICATE = ascii("www-authenticate");
const CONTENT_TYPE = ascii("content-type");
const CACHE_CONTROL = ascii("cache-control");
const RETRY_AFTER = ascii("retry-after");
/** The window of failures.ts. */
const SECONDS = ascii("10");
const PROBLEM_JSON = ascii("application/problem+json");
const NO_STORE = ascii("no-store");
const MAX_SHOWN_REQUEST_ID: i32 = 128;

const body = new Writer();
const bodyBytes: usize = memory.data(2048, 16);
const challenge = new Writer();
const challengeBytes: usize = memory.data(128, 16);
const details = new Writer();
const detailsBytes: usize = memory.data(128, 16);
const headers = new HeaderBuilder();
const headerBytes: usize = memory.data(512, 16);

/** As far as the value of its last member. */
function openBody(verdict: i32, status: i32): void {
  body.open(bodyBytes, 2048);
  body.literal('{"type":"urn:glassgate:verdict:');
  body.literal(verdictCode(verdict));
  body.literal('","title":"');
  body.literal(verdictTitle(verdict));
  body.literal('","status":');
  body.integer(status);
  body.literal(',"code":"');
  body.literal(verdictCode(verdict));
  body.literal('","request_id":');
}

function writeBody(verdict: i32, incoming: Incoming): void {
  openBody(verdict, verdictStatus(verdict));
  body.string(incoming.requestIdPtr, min(incoming.requestIdLen, MAX_SHOWN_REQUEST_ID));
  if (changetype<usize>(incoming.malformed) != 0) {
    body.literal(',"detail":"');
    writeMalformed(body, incoming.malformed);
    body.byte(0x22);
  }
  body.literal("}\n");
}

function writeChallenge(verdict: i32): void {
  const error = verdictError(verdict);
  challenge.open(challengeBytes, 128);
  challenge.literal("BreakGlass");
  if (error.length == 0) return;
  challenge.literal(' error="');
  challenge.literal(error);
  challenge.byte(0x22);
}

/** Sends the reply. Nothing of the grant is in it. */
export function reply(verdict: i32, incoming: Incoming): void {
  writeBody(verdict, incoming);
  writeChallenge(verdict);
  details.open(detailsBytes, 128);
  details.literal("glassgate_");
  details.literal(verdictCode(verdict));
  headers.start();
  headers.add(WWW_AUTHENTICATE.ptr, WWW_AUTHENTICATE.len, challengeBytes, challenge.length);
  headers.add(CONTENT_TYPE.ptr, CONTENT_TYPE.len, PROBLEM_JSON.ptr, PROBLEM_JSON.len);
  headers.add(CACHE_CONTROL.ptr, CACHE_CONTROL.len, NO_STORE.ptr, NO_STORE.len);
  if (verdict == Verdict.Busy) headers.add(RETRY_AFTER.ptr, RETRY_AFTER.len, SECONDS.ptr, SECONDS.len);
  const headersLen = headers.finish(headerBytes, 512);
  sendLocalResponse(
    verdictStatus(verdict),
    detailsBytes,
    details.length,
    bodyBytes,
    body.length,
    headersLen == 0 ? 0 : headerBytes,
    headersLen,
  );
}

/** Whatever the verdict: the grant was good for what has been done. */
const ENDED_STATUS: i32 = 403;

/**
 * Ends an open stream: an answer where none has begun, else a reset. The details say why in either case. Once a stream, and only
 * with it as effective context and its first record read (firstrecord.ts).
 */
export function replyToEnded(verdict: i32): void {
  openBody(verdict, ENDED_STATUS);
  if (requestId.len > 0) body.bytes(requestId.ptr, requestId.len);
  else body.literal('""');
  body.literal(',"ended":true}\n');
  details.open(detailsBytes, 128);
  details.literal("glassgate_ended_");
  details.literal(verdictCode(verdict));
  headers.start();
  headers.add(CONTENT_TYPE.ptr, CONTENT_TYPE.len, PROBLEM_JSON.ptr, PROBLEM_JSON.len);
  headers.add(CACHE_CONTROL.ptr, CACHE_CONTROL.len, NO_STORE.ptr, NO_STORE.len);
  const headersLen = headers.finish(headerBytes, 512);
  sendLocalResponse(ENDED_STATUS, detailsBytes, details.length, bodyBytes, body.length, headerBytes, headersLen);
}
