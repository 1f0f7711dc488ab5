/** A Kong's log line gives up the filter's lines, byte for byte; any other line stays what it is. */
import { expect, it } from "vitest";
import { recordLinesIn } from "../../control/drill/kong-log.js";
import { meetsFilter } from "../../control/drill/kong-way.js";

const lines = (text: string): string[] => recordLinesIn(Buffer.from(text)).map((one) => one.toString("utf8"));
const RECORD = '{"v":1,"vm":"n/1/2","seq":1,"path":"/a\\u00e4\\"b"}';
const EVIDENCE = '{"evidence":"a.b~c"}';

it("finds record and evidence in the member glassgate", () => {
  const line = JSON.stringify({ response: { status: 200 }, glassgate: `${RECORD}\n${EVIDENCE}` });
  expect(lines(line)).toEqual([RECORD, EVIDENCE]);
});

it.each([8, 60, 200])("finds them behind a piece of %i bytes that a Kong which was killed has left", (bytes) => {
  const line = JSON.stringify({
    ...{ request: { method: "GET", headers: { host: "x", note: '{"a":1}' } }, response: { status: 200 } },
    ...{ latencies: { kong: 1 }, glassgate: `${RECORD}\n${EVIDENCE}`, service: { id: "1" } },
  });
  expect(lines(line.slice(0, bytes) + line)).toEqual([RECORD, EVIDENCE]);
});

it.each([
  ["the filter's own record", RECORD],
  ["the filter's own evidence", EVIDENCE],
  ["a line without the member", '{"response":{"status":200}}'],
  ["a member that is no text", '{"glassgate":{"v":1}}'],
  ["no JSON", "2026/11/27 nginx: worker ended"],
])("leaves %s as it is", (_, line) => {
  expect(lines(line)).toEqual([line]);
});

it("gives a line of the plugin's own words to whoever reads it, who makes nothing of it", () => {
  expect(lines('{"glassgate":"no record: kong.conf lacks it"}')).toEqual(["no record: kong.conf lacks it"]);
});

it.each([
  ["its host and path", { method: "GET", host: "api.example.com", path: "/orders/7" }, true],
  ["another host", { method: "GET", host: "other.example.com", path: "/orders/7" }, false],
  ["another method", { method: "PROPFIND", host: "api.example.com", path: "/orders/7" }, false],
  ["a path that it does not take", { method: "GET", host: "api.example.com", path: "/status" }, false],
])("a request of %s meets the filter or not", (_, request, meets) => {
  const way = {
    ...{ admin: "http://127.0.0.1:8001", file: "kong.yaml", backHosts: [], keyHeader: "x", isShownIn: () => false },
    fronts: [{ hosts: ["api.example.com"], paths: ["/orders"], methods: ["GET"] }],
  };
  expect(meetsFilter(way, request)).toBe(meets);
});
