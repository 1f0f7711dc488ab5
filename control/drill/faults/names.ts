/** The faults that a drill can make by itself, on gateways that `gateway run --background` started here. Each is undone. */
export const faultTitles = {
  "gateway-restarted": "the gateway is stopped, and started again",
  "upstream-silent": "the demo upstream answers nothing",
  "ecds-corrupted": "the file that the filter's configuration comes in is damaged, and put back",
  "ledger-down": "the process that writes the ledger stands still, and goes on",
} as const;
export type FaultName = keyof typeof faultTitles;

const isFaultName = (name: string): name is FaultName => Object.hasOwn(faultTitles, name);
export const faultNames: readonly FaultName[] = Object.keys(faultTitles).filter(isFaultName);
