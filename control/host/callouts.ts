/** Calls to other services that a filter makes while a request waits. Which services there are, and what they answer, is the user's. */
import { Status } from "./abi.js";
import { type Header, HeaderMap, parsePairs } from "./headers.js";
import type { HostCalls } from "./instance.js";
import type { Vm } from "./vm.js";

export interface Callout {
  readonly cluster: string;
  /** With pseudo-headers. */
  readonly headers: readonly Header[];
  readonly body: Buffer;
  readonly timeoutMilliseconds: number;
  /** Once, now or later. What comes when its VM or configuration is gone is dropped, as on Envoy. */
  readonly answer: (headers: readonly Header[], body?: Uint8Array) => void;
}

/** False: there is no such cluster. */
export type Clusters = (call: Callout) => boolean;

/** An answer, while the filter is handed it. */
export interface CalloutAnswer {
  readonly headers: HeaderMap;
  readonly body: Buffer;
}

const NEEDED: readonly string[] = [":method", ":path", ":authority"];

export function calloutCalls(vm: Vm): HostCalls {
  const { memory } = vm;
  return {
    proxy_http_call: (
      cluster: number,
      clusterLen: number,
      headersPtr: number,
      headersLen: number,
      bodyPtr: number,
      bodyLen: number,
      trailersPtr: number,
      trailersLen: number,
      timeout: number,
      tokenOut: number,
    ) => {
      const headers = parsePairs(memory.bytes(headersPtr, headersLen));
      memory.bytes(trailersPtr, trailersLen);
      const has = (wanted: string): boolean => headers.some(([name]) => name === wanted);
      if (!NEEDED.every(has)) return Status.BadArgument;
      const token = vm.nextToken();
      const root = vm.context.rootContext;
      let isMade = false;
      let isAnswered = false;
      const isThere = vm.environment.process.clusters?.({
        cluster: memory.text(cluster, clusterLen),
        headers,
        body: Buffer.from(memory.bytes(bodyPtr, bodyLen)),
        timeoutMilliseconds: timeout >>> 0,
        answer: (answerHeaders, body = Buffer.alloc(0)) => {
          if (isAnswered) return;
          isAnswered = true;
          const answer = { headers: new HeaderMap(answerHeaders), body: Buffer.from(body) };
          const handOver = (): void => vm.onCalloutAnswer(root, token, answer);
          // One that comes at once comes when the call that asked for it has returned.
          if (isMade) handOver();
          else vm.afterCall(handOver);
        },
      });
      isMade = true;
      if (isThere !== true) return Status.BadArgument;
      memory.u32(tokenOut, token);
      return Status.Ok;
    },
  };
}
