/** `ask --bind-cert`: the file that curl shows becomes the claim, and what is none is said before anybody is woken. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { readBoundCertificate } from "../../control/grant/certificate.js";
import { Certificates } from "../kit/certificates.js";
import { nowSeconds, Party } from "../kit/party.js";

const certificates = new Certificates();
const mine = certificates.selfSigned("mine");
const other = certificates.selfSigned("other");
const ended = certificates.between("ended", "20200101000000Z", "20210101000000Z");
const later = certificates.between("later", "20900101000000Z", "20910101000000Z");
afterAll(() => certificates.remove());

const now = nowSeconds();
const file = (name: string, ...parts: readonly (string | Uint8Array)[]): string => {
  const path = join(certificates.folder, name);
  writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part))));
  return path;
};
/** By another program than the one under test. */
function digestOf(certificate: string): string {
  const shown = execFileSync("openssl", ["x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"], {
    encoding: "utf8",
  });
  return Buffer.from(shown.replace(/^.*=/, "").replace(/[:\s]/g, ""), "hex").toString("base64url");
}

describe("the certificate in a file", () => {
  it("is the first one, whatever else stands there", () => {
    const expected = { cnf: { "x5t#S256": digestOf(mine.certificate) }, warnings: [] };
    expect(digestOf(other.certificate)).not.toBe(digestOf(mine.certificate));
    const { cert, key } = mine.shown;
    const chain = file("chain.pem", cert, other.shown.cert);
    const withKey = file("with-key.pem", key, cert);
    const withText = file(
      "with-text.pem",
      "Bag Attributes\r\n  friendlyName: mine\r\n",
      cert.toString().replaceAll("\n", "\r\n"),
    );
    const der = file("der.crt", Buffer.from(cert.toString().replace(/-----.*-----|\s/g, ""), "base64"));
    for (const path of [mine.certificate, chain, withKey, withText, der])
      expect(readBoundCertificate(path, now), path).toEqual(expected);
  });

  it("may have ended, or not begun: that is told, not refused", () => {
    for (const [certificate, words] of [
      [ended.certificate, /ended\.pem ended on Jan +1 00:00:00 2021 GMT: a rendered gateway takes it/],
      [later.certificate, /later\.pem is not valid before Jan +1 00:00:00 2090 GMT/],
    ] as const) {
      const { cnf, warnings } = readBoundCertificate(certificate, now);
      expect(cnf).toEqual({ "x5t#S256": digestOf(certificate) });
      expect(warnings).toEqual([expect.stringMatching(words)]);
    }
  });

  it("that is none is refused, with what to do", () => {
    const text = mine.shown.cert.toString();
    for (const [path, sentence] of [
      [mine.key, /holds a private key and no certificate\.$/],
      [file("empty.pem"), /holds no certificate that can be read\.$/],
      [file("garbage.pem", "garbage"), /holds no certificate/],
      [file("half.pem", text.slice(0, 200)), /holds no certificate/],
      [file("bent.pem", text.replace(/[A-Z]{2}/, "??")), /holds no certificate/],
      [file("request.pem", readFileSync(join(certificates.folder, "ended.csr"))), /holds no certificate/],
      [file("\u001b[31m.pem", "x"), /certificates-\w+\/[!-~]+ holds no certificate/],
      [join(certificates.folder, "nowhere.pem"), /^Cannot read the certificate .*nowhere\.pem: it does not exist\.$/],
      [certificates.folder, /it is a directory/],
    ] as const) {
      const read = (): unknown => readBoundCertificate(path, now);
      expect(read, path).toThrow(UserError);
      expect(read, path).toThrow(sentence);
      expect(read, path).toThrow(expect.objectContaining({ hint: expect.stringMatching(/openssl pkcs12 .*-clcerts/) }));
    }
  });
});

describe("glassgate ask --bind-cert", () => {
  let party: Party;
  beforeAll(async () => {
    party = await Party.make();
  }, 60_000);
  afterAll(() => party?.end());

  const ask = (certificate: string) =>
    party.run([
      ...["ask", "POST", "https://api.example.com/orders/42", "--ent", "orders-repair", "--reason", "outage"],
      ...["--text", "refund loop", "--key", "rita", "--bind-cert", certificate, "--json"],
    ]);

  it("pins the certificate in what is asked for", async () => {
    const { code, stdout, stderr } = await ask(ended.certificate);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("ended on Jan") });
    expect(JSON.parse(stdout)).toMatchObject({ claims: { cnf: { "x5t#S256": digestOf(ended.certificate) } } });
  }, 240_000);

  it("asks for nothing when the file is no certificate", async () => {
    const { code, stdout, stderr } = await ask(mine.key);
    expect({ code, told: JSON.parse(stdout) }).toEqual({ code: 2, told: { error: expect.anything() } });
    expect(stderr).toMatch(/mine\.key holds a private key and no certificate\.\nnext: +Give the certificate/);
  }, 240_000);
});
