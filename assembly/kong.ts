/**
 * What the build for Kong exports besides index.ts: callbacks that its host calls whether they are there or not, and dies where one is
 * missing.
 */
import { lastJudgedAt } from "./filter/judge";
import { Action } from "./filter/outcome";
import { buildBetweenRequests } from "./filter/ticks";

export function proxy_on_request_body(_id: u32, _size: u32, _endOfStream: u32): i32 {
  return Action.Continue;
}

export function proxy_on_response_headers(_id: u32, _count: u32, _endOfStream: u32): i32 {
  return Action.Continue;
}

export function proxy_on_response_body(_id: u32, _size: u32, _endOfStream: u32): i32 {
  return Action.Continue;
}

/** 1: it may go. */
export function proxy_on_done(_id: u32): u32 {
  return 1;
}

/** The answer has been sent: what Envoy's build does in ticks has its time here. It calls nobody, so that there is nothing to enter. */
export function proxy_on_log(_id: u32): void {
  buildBetweenRequests(lastJudgedAt());
}
