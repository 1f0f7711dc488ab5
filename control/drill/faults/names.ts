/** The faults that a drill file may name. */
export const faultNames: readonly string[] = [];
