/**
 * A clock that is off, for one process. libfaketime cannot be had for that: it asks the loader for its functions, and Envoy's allocator asks
 * for the time before it can answer the loader. This asks nobody.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SOURCE = `#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static time_t shift(void) { const char *by = getenv("CLOCK_SHIFT"); return by == NULL ? 0 : atol(by); }
int clock_gettime(clockid_t clock, struct timespec *at) {
  int failed = (int)syscall(SYS_clock_gettime, clock, at);
  if (failed == 0 && clock == CLOCK_REALTIME) at->tv_sec += shift();
  return failed;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  int failed = (int)syscall(SYS_gettimeofday, at, zone);
  if (failed == 0) at->tv_sec += shift();
  return failed;
}
time_t time(time_t *into) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (into != NULL) *into = at.tv_sec;
  return at.tv_sec;
}
`;

export interface Clock {
  /** Stands before a command, whose clock is then off by so many seconds. */
  before(seconds: number): readonly [string, ...string[]];
  remove(): void;
}

/** Undefined where there is no C compiler. */
export function makeClock(): Clock | undefined {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-clock-"));
  const library = join(folder, "clock.so");
  writeFileSync(join(folder, "clock.c"), SOURCE);
  try {
    execFileSync("cc", ["-shared", "-fPIC", "-O2", "-o", library, join(folder, "clock.c")], { stdio: "pipe" });
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return undefined; // No compiler: whoever asks says what is not tried.
  }
  return {
    before: (seconds) => ["/usr/bin/env", `LD_PRELOAD=${library}`, `CLOCK_SHIFT=${seconds}`],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
