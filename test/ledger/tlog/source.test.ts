/** Where a log is read from: a folder, an address; within bounds, and nothing else. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileSource, httpSource } from "../../../control/ledger/tlog/read.js";
import { Certificates } from "../../kit/certificates.js";

const NO_NAMES = [
  "",
  "../checkpoint",
  "/etc/passwd",
  "lock",
  "state/x",
  "tile/64/000",
  "tile/0/00",
  "tile/0/000.p/0",
  "tile/0/../1/000",
  "blob/abc",
  "tile/0/000?x",
];

describe("a folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "ledger-source-"));
  const source = fileSource(folder);

  it("gives what is there, and nothing for what is not", async () => {
    mkdirSync(join(folder, "tile/0"), { recursive: true });
    writeFileSync(join(folder, "tile/0/000"), "hashes");
    expect(String(await source.read("tile/0/000"))).toBe("hashes");
    expect(await source.read("tile/0/001")).toBeUndefined();
    expect(await source.read("tile/0/000.p/3")).toBeUndefined();
    expect(await source.read("tile/0/x001/000")).toBeUndefined();
  });

  it("gives no file that a log does not have, nor one that is too large or none at all", async () => {
    for (const path of NO_NAMES) await expect(source.read(path)).rejects.toThrow(RangeError);
    writeFileSync(join(folder, "tile/0/002"), Buffer.alloc(8193));
    await expect(source.read("tile/0/002")).rejects.toThrow(/larger than it can be/);
    mkdirSync(join(folder, "tile/0/003"));
    await expect(source.read("tile/0/003")).rejects.toThrow(/is no file/);
    execFileSync("mkfifo", [join(folder, "tile/0/004")]);
    await expect(source.read("tile/0/004")).rejects.toThrow(/is no file/);
  });
});

async function serving(answer: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  try {
    await use(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/a/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("an address", () => {
  it("gives what is there, and nothing for what is not", async () => {
    const asked: (string | undefined)[] = [];
    await serving(
      (request, response) => {
        asked.push(request.url);
        response.writeHead(request.url === "/a/checkpoint" ? 200 : 404).end("text");
      },
      async (url) => {
        expect(String(await httpSource(url).read("checkpoint"))).toBe("text");
        expect(await httpSource(url).read("tile/0/000")).toBeUndefined();
        expect(asked).toEqual(["/a/checkpoint", "/a/tile/0/000"]);
        for (const path of NO_NAMES) await expect(httpSource(url).read(path)).rejects.toThrow(RangeError);
      },
    );
  });

  it("is not followed elsewhere, nor for ever, and its errors are told", async () => {
    await serving(
      (request, response) => {
        if (request.url === "/a/tile/0/000") response.writeHead(302, { location: "/a/checkpoint" }).end();
        else if (request.url === "/a/tile/0/001") response.writeHead(500).end();
        else if (request.url === "/a/tile/0/002") response.end(Buffer.alloc(8193));
        else request.socket.destroy();
      },
      async (url) => {
        const source = httpSource(url);
        await expect(source.read("tile/0/000")).rejects.toThrow(/answers 302/);
        await expect(source.read("tile/0/001")).rejects.toThrow(/answers 500/);
        await expect(source.read("tile/0/002")).rejects.toThrow(/larger than it can be/);
        await expect(source.read("tile/0/003")).rejects.toThrow(/Cannot read .*tile\/0\/003/);
      },
    );
  });

  it("is asked again where it is too much for a moment, and not where nothing was ever there", async () => {
    let left = 0;
    let count = 0;
    await serving(
      (request, response) => {
        count += 1;
        if (left-- <= 0) response.end("text");
        else if (request.url === "/a/tile/0/000") response.writeHead(429, { "retry-after": "0" }).end();
        else if (request.url === "/a/tile/0/001") response.writeHead(503).end();
        else request.socket.destroy();
      },
      async (url) => {
        const source = httpSource(url);
        left = 1;
        await expect(source.read("tile/0/002")).rejects.toThrow(/Cannot read/);
        expect(count).toBe(1);
        for (const path of ["tile/0/000", "tile/0/001", "tile/0/002"]) {
          left = 1;
          expect([path, String(await source.read(path))]).toEqual([path, "text"]);
        }
        expect(count).toBe(7);
      },
    );
  });

  it("that is not the ledger's says in a person's words why", async () => {
    await serving(
      (request) => request.socket.destroy(),
      async (url) => {
        const tls = httpSource(url.replace("http:", "https:"));
        await expect(tls.read("checkpoint")).rejects.toThrow(/does not speak TLS/);
        await expect(httpSource(url).read("checkpoint")).rejects.toMatchObject({ hint: /https:/ });
      },
    );
    const closed = await new Promise<string>(
      (resolve) =>
        void serving(
          () => {},
          async (url) => resolve(url),
        ),
    );
    await expect(httpSource(closed).read("checkpoint")).rejects.toThrow(/: nobody listens there\.$/);
  });

  it("with a certificate that nobody vouches for says so, and how to trust an authority of one's own", async () => {
    const certificates = new Certificates();
    const server = createTlsServer(certificates.selfSigned("ledger").shown, (_, response) => response.end("text"));
    try {
      await once(server.listen(0, "127.0.0.1"), "listening");
      const address = server.address();
      const port = address === null || typeof address === "string" ? 0 : address.port;
      await expect(httpSource(`https://127.0.0.1:${port}`).read("checkpoint")).rejects.toMatchObject({
        message: `Cannot read https://127.0.0.1:${port}/checkpoint: its certificate is from nobody whom this machine trusts.`,
        hint: expect.stringMatching(/^NODE_EXTRA_CA_CERTS=/),
      });
    } finally {
      server.close();
      certificates.remove();
    }
  });

  it("is https, or of this machine, and nothing but a prefix", () => {
    for (const url of [
      "http://example.com/",
      "ftp://127.0.0.1/",
      "file:///etc",
      "x",
      "https://a:b@example.com/",
      "https://example.com/?a",
      "https://example.com/#a",
      "http://127.0.0.1.example.com/",
    ])
      expect(() => httpSource(url), url).toThrow(/cannot be read from|is no URL/);
    for (const url of ["https://example.com", "https://example.com/a/b", "http://localhost:1/", "http://[::1]:1/"])
      httpSource(url);
  });
});
