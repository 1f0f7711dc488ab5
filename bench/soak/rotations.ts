/** Bundles pushed one after the other into the running gateway, each of a new version. */
import { push } from "../../control/gateway/push.js";
import type { TestEnvoy } from "../../test/kit/envoy.js";

export class Rotations {
  /** Of the bundle that every worker serves; undefined while another one is being pushed. */
  version: number | undefined;
  /** Milliseconds of each push. */
  readonly times: number[] = [];
  /** Versions whose push had to make new VMs, as a worker did not follow. None should. */
  readonly healed: number[] = [];
  private last = 1;

  constructor(
    private readonly gateway: TestEnvoy,
    private readonly bundleOf: (version: number) => string,
  ) {}

  /** The first push brings the first bundle, and takes none away. */
  get count(): number {
    return this.times.length - 1;
  }

  async next(): Promise<void> {
    const version = this.last + 1;
    const text = this.bundleOf(version);
    this.last = version;
    this.version = undefined;
    const { filter, anchors, envoy } = this.gateway;
    const pushed = await push({ filter, anchors, admin: envoy.admin, bundle: { text, version } });
    this.version = version;
    this.times.push(pushed.milliseconds);
    if (pushed.healed) this.healed.push(version);
  }
}
