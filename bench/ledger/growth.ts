/** What a growing log takes, at each tenth. */
export interface Step {
  readonly entries: number;
  readonly perSecond: number;
  /** Of all threads, kernel's time too. */
  readonly cpuMicrosecondsEach: number;
  readonly residentMiB: number;
  readonly bytesEach: number;
  readonly files: number;
  /** From the files, tile by tile, to the verified proof. */
  readonly proofMs: number;
}
