/** The addresses that a ledger listens on: whether each is free, and what to do where one is not. */
import { lstatSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { reasonOf, systemCode, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { addressPattern, type Listen } from "../config.js";

export function hostAndPort(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(address.slice(at + 1)) };
}

export type Where = { readonly host: string; readonly port: number } | { readonly path: string };

export async function listen(server: Server, where: Where): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    const listening = (): void => {
      server.off("error", reject);
      resolve();
    };
    if (!("path" in where)) {
      server.listen(where, listening);
      return;
    }
    // The socket is made at once, and by nobody's grace is it open to more than it will be.
    const before = process.umask(0o117);
    server.listen(where, listening);
    process.umask(before);
  });
}

export function cannotListen(address: string, error: unknown): UserError {
  return new UserError(`Cannot listen on ${visible(address)}: ${reasonOf(error)}.`, {
    cause: error,
    hint: "`listen` of ledger.yaml names the address; choose one that is free, or end what has it.",
    exitCode: 1,
  });
}

/** Looks, and keeps nothing: before anybody is asked for a passphrase. @throws UserError where an address is taken */
export async function mustBeAbleToListen({ address, receipts }: Listen): Promise<void> {
  for (const one of [address, receipts]) {
    if (one === undefined || !addressPattern.test(one)) continue;
    const server = createServer();
    try {
      await listen(server, hostAndPort(one));
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      throw cannotListen(one, error);
    }
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

/** A socket that nobody listens on any more is taken away; another one's, or another kind of file, is left alone. */
export async function freeSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new UserError(`${visible(path)} is there already, and is no socket.`, {
      hint: "Name another path in `listen.receipts`.",
    });
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
  if (isAlive) throw cannotListen(path, Object.assign(new Error(), { code: "EADDRINUSE" }));
  rmSync(path, { force: true });
}
