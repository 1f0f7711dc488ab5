/** What a person reads: while it runs, and the table at the end. */
import { TABLE_BUDGET } from "../../test/crypto/ways.js";
import type { DifferentialFindings } from "./differential.js";
import type { Findings } from "./findings.js";
import type { Sample } from "./memory.js";
import type { HostFindings } from "./node-host.js";
import type { Goal, Traffic } from "./traffic.js";

export type Say = (line: string) => void;

export interface Figures {
  readonly gateway: Findings;
  readonly host: HostFindings;
  readonly differential: DifferentialFindings;
}

const count = (value: number): string => Math.round(value).toLocaleString("en-US");
const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
const mibList = (bytes: readonly number[]): string => bytes.map(mib).join(", ");

export const showDuration = (seconds: number): string =>
  seconds > 90 ? `${Math.round(seconds / 60)} min` : `${Math.ceil(seconds)} s`;

export function progressLine(goal: Goal, { requests, seconds, wrong }: Progress, sample: Sample): string {
  const perSecond = requests / seconds;
  return [
    `${Math.floor((100 * requests) / goal.requests)} %`,
    `${count(requests)} requests`,
    `${count(sample.rotations)} rotations`,
    `${wrong} wrong`,
    `${count(perSecond)}/s`,
    `resident ${mib(sample.resident)}`,
    `allocated ${mib(sample.allocated)}`,
    `${showDuration(Math.max(0, goal.requests - requests) / perSecond)} left`,
  ].join(", ");
}
type Progress = Pick<Traffic, "requests" | "seconds" | "wrong">;

function rowsOf({ gateway, host, differential }: Figures): readonly (readonly [string, string])[] {
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
    ["differential cases", `${count(differential.cases)} in ${showDuration(differential.seconds)}`],
  ];
}

export function table(figures: Figures): string {
  const rows = rowsOf(figures);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join("\n");
}

export const faultsOf = ({ gateway, host, differential }: Figures): readonly string[] => [
  ...gateway.faults,
  ...host.faults,
  ...differential.faults,
];
