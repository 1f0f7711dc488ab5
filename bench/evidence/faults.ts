/** What must not be, one sentence a kind, with how often and where it was seen first. */
export class Faults {
  private readonly found = new Map<string, { count: number; readonly example: string }>();

  /** @param example where, or which */
  note(kind: string, example = ""): void {
    const seen = this.found.get(kind);
    if (seen === undefined) this.found.set(kind, { count: 1, example });
    else seen.count += 1;
  }

  noteIf(isWrong: boolean, kind: string, example = ""): void {
    if (isWrong) this.note(kind, example);
  }

  get sentences(): readonly string[] {
    return [...this.found].map(([kind, { count, example }]) => {
      const times = count === 1 ? "" : `, ${count} times`;
      return example === "" ? `${kind}${times}` : `${kind}${times} (first: ${example})`;
    });
  }
}
