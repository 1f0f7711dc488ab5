/**
 * A clock that is off, for one process. libfaketime cannot be had for that: it asks the loader for its functions, and Envoy's allocator asks
 * for the time before it can answer the loader. This asks nobody.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SOURCE = `#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static char none[] = "0";
/* Seconds: of the environment, or of a file that others write into while this process runs. */
static const char *text(void) {
  static const char *volatile known = NULL;
  if (known != NULL) return known;
  const char *file = getenv("CLOCK_SHIFT_FILE"), *by = getenv("CLOCK_SHIFT");
  if (file != NULL) {
    int opened = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY);
    void *seen = (void *)syscall(SYS_mmap, NULL, 16, PROT_READ, MAP_SHARED, opened, 0);
    if (opened >= 0 && seen != MAP_FAILED) by = seen;
  }
  return known = by == NULL ? none : by;
}
static time_t shift(void) { return atol(text()); }
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
  /** By as many seconds as stand in a file, from now on; whoever changes it writes over them, and never makes it shorter. */
  beforeFile(path: string): readonly [string, ...string[]];
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
    beforeFile: (path) => ["/usr/bin/env", `LD_PRELOAD=${library}`, `CLOCK_SHIFT_FILE=${path}`],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
