/** What a person reads: while it runs, and the table at the end. */

import { TABLE_BUDGET } from "../../test/crypto/ways.js";
import { showDuration } from "../base/duration.js";
import type { Findings } from "./findings.js";
import type { Sample } from "./memory.js";
import type { HostFindings } from "./node-host.js";
import type { Goal, Traffic } from "./traffic.js";

export type Say = (line: string) => void;

export interface Figures {
  readonly gateway: Findings;
  readonly host: HostFindings;
}

const count = (value: number): string => Math.round(value).toLocaleString("en-US");
const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
const mibList = (bytes: readonly number[]): string => bytes.map(mib).join(", ");

export function progressLine(goal: Goal, { requests, seconds, wrong }: Progress, sample: Sample): string {
  // Rotations keep step with the requests, but on a busy machine the last of them can come later.
  const share = requests < goal.requests ? requests / goal.requests : Math.min(1, sample.rotations / goal.rotations);
  return [
    `${Math.floor(100 * share)} %`,
    `${count(requests)} requests`,
    `${count(sample.rotations)} rotations`,
    `${wrong} wrong`,
    `${count(requests / seconds)}/s`,
    `resident ${mib(sample.resident)}`,
    `allocated ${mib(sample.allocated)}`,
    `${showDuration(seconds / share - seconds)} left`,
  ].join(", ");
}
type Progress = Pick<Traffic, "requests" | "seconds" | "wrong">;

function rowsOf({ gateway, host }: Figures): readonly (readonly [string, string])[] {
  const { warm, end } = gateway;
  const rotations = end.rotations - warm.rotations;
  const requests = end.requests - warm.requests;
  const growth = end.allocated - warm.allocated;
  const vms = end.linear.length;
  return [
    ["requests", count(gateway.requests)],
    ["rotations", `${count(gateway.rotations)}, p50 ${count(gateway.push.p50)} ms, max ${count(gateway.push.max)} ms`],
    ["wrong answers", count(gateway.wrong + host.wrong)],
    ["requests a second", count(gateway.requests / gateway.seconds)],
    ["resident: warm, end", `${mib(warm.resident)}, ${mib(end.resident)}`],
    ["allocated: warm, end", `${mib(warm.allocated)}, ${mib(end.allocated)}`],
    ["growth of allocated a rotation", `${count(growth / rotations)} bytes`],
    ["growth of resident a request", `${((end.resident - warm.resident) / requests).toFixed(2)} bytes`],
    [`linear memory of the ${vms} VMs`, mibList(end.linear.map(({ size }) => size))],
    ["  of it ever touched", mibList(end.linear.map(({ resident }) => resident))],
    ["  tables of multiples in it", `${end.tables} built, up to ${mib(TABLE_BUDGET)} a VM`],
    ["compiled code, shared by the VMs", mib(end.code)],
    ["Node host: requests, rotations", `${count(host.requests)}, ${count(host.rotations)}`],
    ["Node host: linear memory", `${mibList(host.linear.configured)}; with tables ${mibList(host.linear.end)}`],
  ];
}

export function table(figures: Figures): string {
  const rows = rowsOf(figures);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join("\n");
}

export const faultsOf = ({ gateway, host }: Figures): readonly string[] => [...gateway.faults, ...host.faults];
