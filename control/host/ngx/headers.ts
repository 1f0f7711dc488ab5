/**
 * Request headers as nginx keeps them: a list of lines with the client's own spelling. A filter that removes a line, or replaces one
 * of several, hides it from later pairs; the upstream gets every line of the list all the same.
 */
import { type Header, serialisePairs, sizeOfPairs } from "../headers.js";
import { MAX_PAIRS } from "./abi.js";

interface Line {
  name: string;
  value: string;
  /** nginx: its hash is not 0. */
  isShown: boolean;
}

/** Of these nginx knows the first line: that one is replaced or hidden, the others are not looked for. */
const BUILT_IN: ReadonlySet<string> = new Set(
  `host connection if-modified-since if-unmodified-since if-match if-none-match user-agent referer content-length
  content-type range if-range transfer-encoding expect upgrade accept-encoding via authorization keep-alive
  x-real-ip`.split(/\s+/),
);

/** Control bytes but the tab, and DEL: as `%0A`. */
function escapeValue(value: string): string {
  const isControl = (code: number): boolean => (code < 0x20 && code !== 0x09) || code === 0x7f;
  return Array.from(value, (byte) => {
    const code = byte.charCodeAt(0);
    return isControl(code) ? `%${code.toString(16).toUpperCase().padStart(2, "0")}` : byte;
  }).join("");
}

export class NgxHeaders {
  private readonly lines: Line[];

  constructor(headers: readonly Header[]) {
    this.lines = headers.map(([name, value]) => ({ name, value, isShown: true }));
  }

  /** What the upstream gets: every line, whatever the filter hid. */
  get all(): readonly Header[] {
    return this.lines.map(({ name, value }) => [name, value]);
  }

  get count(): number {
    return this.lines.length;
  }

  private named(name: string): Line[] {
    const wanted = name.toLowerCase();
    return this.lines.filter((line) => line.name.toLowerCase() === wanted);
  }

  /** The first line of that name, also one that was removed. */
  get(name: string): string | undefined {
    return this.named(name)[0]?.value;
  }

  add(name: string, value: string): void {
    // Of those that nginx knows there is no second: logged there, and no error to the filter.
    if (BUILT_IN.has(name.toLowerCase()) && this.named(name).length > 0) return;
    this.lines.push({ name, value: escapeValue(value), isShown: true });
  }

  remove(name: string): void {
    const lines = this.named(name);
    for (const line of BUILT_IN.has(name.toLowerCase()) ? lines.slice(0, 1) : lines) line.isShown = false;
  }

  /** The first line gets the value. Of several all are hidden then, and the further ones keep theirs. */
  replace(name: string, value: string): void {
    const isBuiltIn = BUILT_IN.has(name.toLowerCase());
    const lines = this.named(name).filter(({ isShown }) => isBuiltIn || isShown);
    const [first] = lines;
    if (first === undefined) {
      this.lines.push({ name, value: escapeValue(value), isShown: true });
      return;
    }
    first.name = name;
    first.value = escapeValue(value);
    if (isBuiltIn) first.isShown = true;
    else if (lines.length > 1) for (const line of lines) line.isShown = false;
  }

  /** Hides all that there are first. */
  set(headers: readonly Header[]): void {
    for (const { name } of this.lines.filter(({ isShown }) => isShown)) this.remove(name);
    for (const [name, value] of headers) this.replace(name, value);
  }

  /**
   * The pairs as the guest gets them. The host counts the bytes of up to 100 lines and then of the pseudo-headers, but writes the
   * pseudo-headers first and 100 pairs together: beyond them `size` is not the size of `bytes`.
   */
  pairs(pseudo: readonly Header[]): { readonly bytes: Buffer; readonly size: number } {
    const lines: Header[] = this.lines.filter(({ isShown }) => isShown).map(({ name, value }) => [name, value]);
    const counted = lines.slice(0, MAX_PAIRS);
    const more = pseudo.slice(0, Math.max(1, MAX_PAIRS + 1 - counted.length));
    const size = sizeOfPairs([...counted, ...more]);
    return { bytes: serialisePairs([...pseudo, ...lines].slice(0, MAX_PAIRS)), size };
  }
}
