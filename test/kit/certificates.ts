/** Certificates and keys made for one test run, in a folder of their own: none is kept in the repository. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  /** Files in PEM. */
  readonly certificate: string;
  readonly key: string;
  /** What a TLS client of Node's shows. */
  readonly shown: { readonly cert: Buffer; readonly key: Buffer };
}

/** What `openssl ca`, which alone chooses both dates, wants to be told. */
const AUTHORITY = `[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
[any]
commonName = supplied
`;
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"] as const;

export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), "glassgate-certificates-"));

  private openssl(...args: readonly string[]): void {
    execFileSync("openssl", args, { cwd: this.folder, stdio: "pipe" });
  }

  private made(name: string): Certificate {
    const [certificate, key] = [join(this.folder, `${name}.pem`), join(this.folder, `${name}.key`)];
    return { certificate, key, shown: { cert: readFileSync(certificate), key: readFileSync(key) } };
  }

  /** Good for two days. */
  selfSigned(name: string): Certificate {
    this.openssl(
      ...[
        "req",
        "-x509",
        ...NEW_KEY,
        "-days",
        "2",
        "-subj",
        `/CN=${name}`,
        "-addext",
        "subjectAltName=IP:127.0.0.1,DNS:api.example.com",
      ],
      ...["-keyout", `${name}.key`, "-out", `${name}.pem`],
    );
    return this.made(name);
  }

  /** Self-signed as well. @param from and @param to as 20200101000000Z */
  between(name: string, from: string, to: string): Certificate {
    for (const [file, text] of [
      ["ca.cnf", AUTHORITY],
      ["index.txt", ""],
      ["serial", "01\n"],
    ] as const)
      writeFileSync(join(this.folder, file), text);
    this.openssl("req", "-new", ...NEW_KEY, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    this.openssl(
      ...["ca", "-batch", "-selfsign", "-config", "ca.cnf", "-notext", "-startdate", from, "-enddate", to],
      ...["-in", `${name}.csr`, "-keyfile", `${name}.key`, "-out", `${name}.pem`],
    );
    return this.made(name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
