/**
 * A disk in memory with a cache before it, as the kernel has one: what is written is seen at once, and is on the disk only once it was
 * synced, contents and names apart. The power can go after every single step, and between any two blocks of a write.
 */
import { basename, dirname } from "node:path";
import type { FileOps } from "../../../control/ledger/log/fileops.js";

/** What a disk writes whole or not at all: a sector. */
const SECTOR = 512;
/** How a new file's contents reach it: each a step, or there would be too many. */
const PAGE = 2048;

export class PowerCut extends Error {}

interface File {
  kind: "file";
  data: Buffer;
  durable: Buffer;
}
interface Folder {
  kind: "folder";
  names: Map<string, Node>;
  durable: Map<string, Node>;
}
type Node = File | Folder;

const newFolder = (): Folder => ({ kind: "folder", names: new Map(), durable: new Map() });

/** What of the things that were not synced is on the disk after the power went: true for it is. */
export type Luck = () => boolean;

export class SimDisk implements FileOps {
  private root: Folder = newFolder();
  private steps = 0;
  /** After so many steps the power goes. */
  private limit = Number.POSITIVE_INFINITY;
  /** What goes wrong with a step, for full and broken disks. */
  fault: ((step: string, path: string) => Error | undefined) | undefined;

  get count(): number {
    return this.steps;
  }

  cutAfter(steps: number): void {
    this.limit = this.steps + steps;
  }

  /** The same disk and the same cache: a process was killed, the machine goes on. */
  afterKill(): SimDisk {
    const copies = new Map<Node, Node>();
    const copy = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      if (node.kind === "file") {
        const file: File = { kind: "file", data: Buffer.from(node.data), durable: Buffer.from(node.durable) };
        copies.set(node, file);
        return file;
      }
      const folder = newFolder();
      copies.set(node, folder);
      for (const [name, child] of node.names) folder.names.set(name, copy(child));
      for (const [name, child] of node.durable) folder.durable.set(name, copy(child));
      return folder;
    };
    const disk = new SimDisk();
    const root = copy(this.root);
    if (root.kind === "folder") disk.root = root;
    return disk;
  }

  /** The machine lost its power, and was started again. */
  afterPowerCut(luck: Luck): SimDisk {
    const disk = this.afterKill();
    const settled = new Set<Node>();
    const settle = (node: Node): void => {
      if (settled.has(node)) return;
      settled.add(node);
      if (node.kind === "file") {
        node.durable = mix(node.durable, node.data, luck);
        node.data = Buffer.from(node.durable);
        return;
      }
      for (const name of new Set([...node.names.keys(), ...node.durable.keys()])) {
        const now = node.names.get(name);
        if (now === node.durable.get(name) || !luck()) continue;
        if (now === undefined) node.durable.delete(name);
        else node.durable.set(name, now);
      }
      node.names = new Map(node.durable);
      for (const child of node.names.values()) settle(child);
    };
    settle(disk.root);
    return disk;
  }

  /** Puts a file on the disk, folders and all, before the play begins. */
  put(path: string, bytes: Buffer): void {
    let folder = this.root;
    for (const name of dirname(path).split("/").filter(Boolean)) {
      const next = folder.names.get(name) ?? newFolder();
      if (next.kind !== "folder") throw new Error(`${path}: no folder`);
      folder.names.set(name, next);
      folder.durable.set(name, next);
      folder = next;
    }
    const file: File = { kind: "file", data: bytes, durable: Buffer.from(bytes) };
    folder.names.set(basename(path), file);
    folder.durable.set(basename(path), file);
  }

  async read(path: string): Promise<Buffer | undefined> {
    this.alive();
    const node = this.find(path);
    return node?.kind === "file" ? Buffer.from(node.data) : undefined;
  }

  async create(path: string, bytes: Buffer): Promise<void> {
    this.alive("create", path);
    const file: File = { kind: "file", data: Buffer.alloc(0), durable: Buffer.alloc(0) };
    this.folderOf(path).names.set(basename(path), file);
    await this.step();
    for (let at = 0; at < bytes.length; at += PAGE) {
      file.data = Buffer.from(bytes.subarray(0, at + PAGE));
      await this.step();
    }
    file.durable = Buffer.from(file.data);
    await this.step();
  }

  async overwrite(path: string, offset: number, bytes: Buffer): Promise<void> {
    this.alive("overwrite", path);
    const file = this.find(path);
    if (file?.kind !== "file") throw new Error(`${path}: ENOENT`);
    for (let at = 0; at < bytes.length; at += SECTOR) {
      bytes.copy(file.data, offset + at, at, Math.min(at + SECTOR, bytes.length));
      await this.step();
    }
    file.durable = Buffer.from(file.data);
    await this.step();
  }

  async rename(from: string, to: string): Promise<void> {
    this.alive("rename", to);
    const node = this.find(from);
    if (node === undefined) throw new Error(`${from}: ENOENT`);
    this.folderOf(to).names.set(basename(to), node);
    this.folderOf(from).names.delete(basename(from));
    await this.step();
  }

  async syncFolder(path: string): Promise<void> {
    this.alive("syncFolder", path);
    const folder = this.find(path);
    if (folder?.kind !== "folder") throw new Error(`${path}: ENOENT`);
    folder.durable = new Map(folder.names);
    await this.step();
  }

  async makeFolder(path: string): Promise<boolean> {
    this.alive("makeFolder", path);
    const above = this.folderOf(path);
    if (above.names.has(basename(path))) return false;
    above.names.set(basename(path), newFolder());
    await this.step();
    return true;
  }

  async list(path: string): Promise<string[]> {
    this.alive();
    const node = this.find(path);
    return node?.kind === "folder" ? [...node.names.keys()] : [];
  }

  async remove(path: string): Promise<void> {
    this.alive("remove", path);
    const above = this.find(dirname(path));
    if (above?.kind !== "folder" || !above.names.delete(basename(path))) return;
    await this.step();
  }

  async removeFolder(path: string): Promise<void> {
    await this.remove(path);
  }

  private alive(step?: string, path = ""): void {
    if (this.steps >= this.limit) throw new PowerCut();
    const fault = step === undefined ? undefined : this.fault?.(step, path);
    if (fault !== undefined) throw fault;
  }

  private async step(): Promise<void> {
    this.steps += 1;
    if (this.steps >= this.limit) throw new PowerCut();
    await Promise.resolve(); // What is done side by side is mixed.
    this.alive();
  }

  private find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of path.split("/").filter(Boolean))
      node = node?.kind === "folder" ? node.names.get(name) : undefined;
    return node;
  }

  private folderOf(path: string): Folder {
    const folder = this.find(dirname(path));
    if (folder?.kind !== "folder") throw new Error(`${path}: ENOENT`);
    return folder;
  }
}

/** Of each block the old or the new one. */
function mix(old: Buffer, now: Buffer, luck: Luck): Buffer {
  const length = old.length === now.length || luck() ? now.length : old.length;
  const mixed = Buffer.alloc(length);
  for (let at = 0; at < length; at += SECTOR) (luck() ? now : old).subarray(at, at + SECTOR).copy(mixed, at);
  return mixed;
}
