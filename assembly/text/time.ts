/** Timestamps of RFC 3339 in UTC, from nanoseconds since 1970. */

/** Two digits. */
function two(out: usize, value: u32): usize {
  store<u8>(out, <u8>(0x30 + ((value / 10) % 10)));
  store<u8>(out, <u8>(0x30 + (value % 10)), 1);
  return out + 2;
}

function mark(out: usize, c: u8): usize {
  store<u8>(out, c);
  return out + 1;
}

/** Writes `2026-11-24T10:32:00.123Z`; returns its length, 24. Every u64 is before the year 2555. */
export function writeTimestamp(out: usize, nanoseconds: u64): i32 {
  const milliseconds = nanoseconds / 1000000;
  const seconds = milliseconds / 1000;
  const days = <u32>(seconds / 86400);
  const ofDay = <u32>(seconds % 86400);

  // Civil date from days (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"): years begin in March.
  const shifted = days + 719468;
  const era = shifted / 146097;
  const dayOfEra = shifted % 146097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const monthFromMarch = (5 * dayOfYear + 2) / 153;
  const day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);

  let at = two(two(out, year / 100), year % 100);
  at = two(mark(at, 0x2d), month);
  at = two(mark(at, 0x2d), day);
  at = two(mark(at, 0x54), ofDay / 3600);
  at = two(mark(at, 0x3a), (ofDay / 60) % 60);
  at = two(mark(at, 0x3a), ofDay % 60);
  at = mark(at, 0x2e);
  const fraction = <u32>(milliseconds % 1000);
  at = two(mark(at, <u8>(0x30 + fraction / 100)), fraction % 100);
  return <i32>(mark(at, 0x5a) - out);
}
