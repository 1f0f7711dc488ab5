/** A walk that the model and a gateway with the release filter take together. After each step both must say the same. */
import { expect } from "vitest";
import type { OpenStream } from "../../control/host/thread.js";
import { headersOf } from "../kit/headers.js";
import { decide } from "./filter.js";
import { contextOf, type Place } from "./gateway.js";
import { configurationText, digestOf, grantFor, labelOf, MAX_TEXT } from "./material.js";
import { places } from "./model.js";
import { RealGateway } from "./real.js";
import type { Setting } from "./setting.js";
import { at, BLANK, type Configuration, covers, newer, type State, type Stream } from "./state.js";
import { type Step, stepFrom, wordsOf } from "./steps.js";

interface Open {
  readonly worker: number;
  readonly vmId: number;
  readonly generation: number;
  readonly stream: Stream;
  readonly opened: OpenStream;
}

const wasEnded = ({ stream }: OpenStream): boolean => stream.reply !== undefined || stream.state === "reset";

export class Walk {
  private readonly story: string[] = [];
  private streams: Open[] = [];

  private constructor(
    readonly setting: Setting,
    public state: State,
    private real: RealGateway,
    /** What a request that this model allows is expected to get: another word shows that a walk notices. */
    private readonly allow: string,
  ) {}

  /** From where `begin` ends. */
  static async from(setting: Setting, state: State, allow = "allow"): Promise<Walk> {
    const walk = new Walk(setting, state, await RealGateway.load(setting.workers), allow);
    for (const [listener, configuration] of state.serves.entries()) {
      if (configuration.generation > 0) walk.offer(listener, configuration);
      for (const worker of state.workers.keys()) walk.real.take(worker);
    }
    return walk;
  }

  get told(): string {
    return this.story.join("\n");
  }

  private offer(listener: number, configuration: Configuration): boolean | undefined {
    return this.real.offer(listener, String(configuration.vmId), configurationText(configuration));
  }

  /** Takes the step, to that state of the model's. */
  async take(step: Step, next: State): Promise<void> {
    this.story.push(wordsOf(step));
    const before = this.state;
    this.state = next;
    switch (step.does) {
      case "read":
        this.read(step.listener, before);
        break;
      case "take":
        this.real.take(step.worker);
        break;
      case "lose":
        this.real.lose(step.worker);
        this.close((open) => open.worker === step.worker);
        break;
      case "reload":
        this.real.reload(step.worker, step.listener);
        break;
      case "tick":
        this.real.tick(step.worker);
        this.compareStreams(step.worker);
        break;
      case "leave":
        this.close((open) => open.worker === step.worker);
        break;
      case "request":
        this.request(step, before, step.stream);
        break;
      case "restart":
        this.close(() => true);
        this.real = await RealGateway.load(this.setting.workers);
        break;
    }
    if (this.setting.tasks.length > 0) this.compareGauges();
  }

  private read(listener: number, before: State): void {
    const file = at(before.files, listener);
    const base = this.state.bases.find(({ vmId }) => vmId === file.vmId);
    const isTaken = base?.accepted.includes(file.generation) ?? false;
    expect(this.offer(listener, file), this.told).toBe(isTaken);
  }

  private close(isOver: (open: Open) => boolean): void {
    for (const open of this.streams) if (isOver(open)) open.opened.close();
    this.streams = this.streams.filter((open) => !isOver(open));
  }

  private verdictOf({ worker, listener }: Place, grant: string): string | undefined {
    const opened = this.real.open(worker, listener, headersOf([grant]));
    opened?.close();
    return opened?.stream.filterState.get("wasm.glassgate.verdict")?.toString("latin1");
  }

  /** What the place lets in: by the bundle that decides there and no other, until the text that is in force there. */
  private request(place: Place, before: State, stream: Stream | undefined): void {
    const found = contextOf(before, place);
    if (found === undefined) return;
    const { configuration } = found.context;
    const { bundle, texts, domain } = decide(this.setting, found.vm, found.context);
    const { version, variant } = bundle;
    const verdicts: (readonly [string, string])[] = [];
    for (const [signer, text] of texts.entries()) {
      const grant = (till: number): string => grantFor(domain, version, variant, signer, till);
      if (version === 0) verdicts.push([grantFor(domain, 1, 0, signer, 1), "no_trust"]);
      else {
        if (text < MAX_TEXT) verdicts.push([grant(text + 1), this.allow]);
        if (text > 0) verdicts.push([grant(text), "revoked"]);
        verdicts.push([grantFor(domain, version + 1, variant, signer, MAX_TEXT), "key_unknown"]);
        verdicts.push([grantFor(domain, version, 1 - variant, signer, MAX_TEXT), "key_unknown"]);
      }
    }
    const where = `worker ${place.worker}, listener ${place.listener}: bundle ${version}.${variant}, texts ${texts.join(" ")}`;
    for (const [grant, verdict] of verdicts)
      expect(this.verdictOf(place, grant), `${this.told}\n${where}`).toBe(verdict);
    if (stream === undefined) return;
    const { vmId, generation } = configuration;
    const shown =
      stream.version === 0 ? [] : [grantFor(domain, stream.version, stream.variant, stream.signer, stream.text)];
    const opened = this.real.open(place.worker, place.listener, headersOf(shown));
    if (opened === undefined) throw new Error(`${this.told}\nno filter is there`);
    const what = opened.stream.filterState.get("wasm.glassgate.verdict")?.toString("latin1");
    expect(what, this.told).toBe(stream.version === 0 ? undefined : "allow");
    this.streams.push({ worker: place.worker, vmId, generation, stream, opened });
  }

  /** Those have ended, after a tick, that the model says. */
  private compareStreams(worker: number): void {
    for (const open of this.streams) {
      if (open.worker !== worker) continue;
      const vm = at(this.state.workers, worker).vms.find(({ vmId }) => vmId === open.vmId);
      const context = vm?.contexts.find(({ configuration }) => configuration.generation === open.generation);
      const goesOn = context?.streams.some((other) => JSON.stringify(other) === JSON.stringify(open.stream)) ?? false;
      expect(wasEnded(open.opened), `${this.told}\na stream: ${JSON.stringify(open.stream)}`).toBe(!goesOn);
    }
    this.streams = this.streams.filter(({ opened }) => !wasEnded(opened));
  }

  /** Whether `push` would say of that listener's file that it is applied (control/gateway/push-wait.ts). */
  isShown(listener: number): boolean {
    const { generation, bundle, vmId, domain } = at(this.state.files, listener);
    if (at(this.state.offered, listener) !== `${vmId} ${generation}`) return false;
    const label = labelOf(domain);
    const gauge = (name: string): number => this.real.gauge(`${name}.domain=${label}`) ?? 0;
    return (
      gauge("generation") === generation &&
      gauge("bundle_version") === bundle.version &&
      gauge("generation_vms") >= this.setting.workers + 1 &&
      this.real.vmCount >= this.setting.workers + 2 &&
      gauge("revocations_applied") !== 0
    );
  }

  shownBy(listener: number): string {
    const label = labelOf(at(this.state.files, listener).domain);
    const names = ["generation", "generation_vms", "bundle_version", "revocations_applied"];
    return names.map((name) => `${name} ${this.real.gauge(`${name}.domain=${label}`)}`).join(", ");
  }

  isDigestShown(listener: number): boolean {
    const file = at(this.state.files, listener);
    const label = labelOf(file.domain);
    return this.real.gauge(`revocations_applied.domain=${label}`) === digestOf(file);
  }

  /** Where the gateway's gauges say "applied", nothing older decides anywhere. */
  private compareGauges(): void {
    for (const place of places(this.setting)) {
      const found = contextOf(this.state, place);
      if (found === undefined || !this.isShown(place.listener)) continue;
      const { bundle, texts } = decide(this.setting, found.vm, found.context);
      const file = at(this.state.files, place.listener);
      if (bundle.version === 0) continue;
      expect(bundle.version, this.told).toBeGreaterThanOrEqual(file.bundle.version);
      expect(covers(texts, newer(file.texts, file.bundle.floors)), this.told).toBe(true);
    }
  }

  /** A step that the model alone knows the end of. False where it cannot be taken now. */
  async goes(step: Exclude<Step, { does: "push" }>): Promise<boolean> {
    const next = stepFrom(this.setting, this.state, step);
    if (next !== undefined) await this.take(step, next);
    return next !== undefined;
  }

  /** All places, then all streams, as they are; and once more when everybody has taken everything. */
  async settle(): Promise<void> {
    for (const place of places(this.setting)) await this.goes({ does: "request", ...place });
    for (const worker of this.state.workers.keys()) {
      await this.goes({ does: "tick", worker });
      while (await this.goes({ does: "take", worker }));
    }
    for (const place of places(this.setting)) {
      await this.goes({ does: "reload", ...place });
      await this.goes({ does: "request", ...place });
    }
    for (const worker of this.state.workers.keys()) await this.goes({ does: "tick", worker });
  }

  /** Everything that went has given back what it held. */
  async end(): Promise<void> {
    for (const worker of this.state.workers.keys()) await this.goes({ does: "leave", worker });
    const last = 1_000_000;
    for (const listener of this.setting.listeners.keys()) {
      const configuration = { ...BLANK, generation: last + listener, vmId: 9 };
      await this.goes({ does: "write", listener, configuration });
      await this.goes({ does: "read", listener });
      for (const worker of this.state.workers.keys()) while (await this.goes({ does: "take", worker }));
    }
    const gauges = ["contexts", "domains", "streams", "open_grants", "configuration_bytes"];
    const { length } = this.setting.listeners;
    expect(
      gauges.map((name) => this.real.gauge(name)),
      this.told,
    ).toEqual([length, 1, 0, 0, length * 16 * 1024]);
    expect(this.real.vmCount, this.told).toBe(this.setting.workers + 2);
  }
}
