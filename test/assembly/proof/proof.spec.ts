/** What is a proof, before its signature. test/verdicts/proof.test.ts has whole ones, with real keys. */
import { Algorithm } from "../../../assembly/crypto/algorithm";
import { Proof, readProof, readProofClaims } from "../../../assembly/proof/proof";
import { encode } from "../../../assembly/text/base64url";
import { bytesOf, lengthOf, stringOf } from "../bytes";

/** RFC 8037, Appendix A.2 and A.3. */
const X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const NAME = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
/** RFC 9449, figure 2, with figure 5's thumbprint (section 6.1). */
const EC_X = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
const EC_Y = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";
const EC_NAME = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
const OKP = `"kty":"OKP","crv":"Ed25519","x":"${X}"`;
const EC = `"kty":"EC","crv":"P-256","x":"${EC_X}","y":"${EC_Y}"`;
const SIGNATURE = "A".repeat(86);
const CLAIMS = `"jti":"a","htm":"GET","htu":"https://a/","iat":7,"ath":"${"A".repeat(43)}"`;

const proof = new Proof();

function segment(text: string): string {
  const len = lengthOf(text);
  const out = heap.alloc(2 * len + 4);
  return stringOf(out, encode(bytesOf(text), len, out));
}

function read(header: string, claims: string = `{${CLAIMS}}`, signature: string = SIGNATURE): bool {
  const text = `${segment(header)}.${segment(claims)}.${signature}`;
  return readProof(bytesOf(text), lengthOf(text), proof);
}

function isHeader(header: string): bool {
  return read(header);
}

function isKey(members: string, alg: string = "Ed25519"): bool {
  return read(`{"typ":"dpop+jwt","alg":"${alg}","jwk":{${members}}}`);
}

function areClaims(claims: string): bool {
  return read(`{"typ":"dpop+jwt","alg":"EdDSA","jwk":{${OKP}}}`, claims) && readProofClaims(proof);
}

function nameOf(): string {
  const out = heap.alloc(48);
  return stringOf(out, encode(proof.thumbprint, 32, out));
}

describe("the key", () => {
  it("is of Ed25519 or P-256, with the thumbprint of RFC 7638", () => {
    expect(isKey(OKP)).toBe(true);
    expect(proof.jws.algorithm).toBe(Algorithm.Ed25519);
    expect(nameOf()).toBe(NAME);
    expect(isKey(OKP, "EdDSA")).toBe(true);
    expect(isKey(EC, "ES256")).toBe(true);
    expect(proof.jws.algorithm).toBe(Algorithm.Es256);
    expect(nameOf()).toBe(EC_NAME);
  });
  it("may have members that are not its own", () => {
    expect(
      isKey(`${OKP},"use":"sig","kid":7,"key_ops":["verify",null,{"a":[true,false]}],"alg":"RS256","x5c":[]`),
    ).toBe(true);
    expect(nameOf()).toBe(NAME);
    expect(isKey(`"y":{"a":1},${OKP}`)).toBe(true);
    expect(isKey(`${OKP},"y":"${EC_Y}","e":"AQAB","n":"AA"`)).toBe(true);
    expect(nameOf()).toBe(NAME);
    expect(isKey(`"D":"","dd":"",${EC}`, "ES256")).toBe(true);
    expect(nameOf()).toBe(EC_NAME);
  });
  it("has no private member", () => {
    const names = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv", "\\u0064"];
    const values = ['""', `"${X}"`, "null", "0", "[]", "{}"];
    for (let i = 0; i < names.length; i++) {
      for (let j = 0; j < values.length; j++) {
        expect(isKey(`${OKP},"${names[i]}":${values[j]}`)).toBe(false, names[i]);
        expect(isKey(`"${names[i]}":${values[j]},${EC}`, "ES256")).toBe(false, names[i]);
      }
    }
  });
  it("is of one type, with all of its members, for its algorithm", () => {
    expect(isKey(OKP, "ES256")).toBe(false);
    expect(isKey(EC, "Ed25519")).toBe(false);
    const algorithms = ["none", "HS256", "RS256", "ES384", "ES256K", "Ed448", "", "es256"];
    for (let i = 0; i < algorithms.length; i++) {
      expect(isKey(OKP, algorithms[i])).toBe(false, algorithms[i]);
      expect(isKey(EC, algorithms[i])).toBe(false, algorithms[i]);
    }
    const bad = [
      "",
      `"crv":"Ed25519","x":"${X}"`,
      `"kty":"OKP","x":"${X}"`,
      '"kty":"OKP","crv":"Ed25519"',
      `"kty":"EC","crv":"Ed25519","x":"${X}"`,
      `"kty":"OKP","crv":"P-256","x":"${X}"`,
      `"kty":"okp","crv":"Ed25519","x":"${X}"`,
      `"kty":"OKP","crv":"Ed448","x":"${X}"`,
      `"kty":"OKP","crv":"X25519","x":"${X}"`,
      `"kty":"RSA","crv":"Ed25519","x":"${X}"`,
      `"kty":7,"crv":"Ed25519","x":"${X}"`,
      `"kty":"OKP","crv":["Ed25519"],"x":"${X}"`,
      '"kty":"OKP","crv":"Ed25519","x":""',
      '"kty":"OKP","crv":"Ed25519","x":7',
      `"kty":"OKP","crv":"Ed25519","x":"${X}A"`,
      `"kty":"OKP","crv":"Ed25519","x":"${X}="`,
      `"kty":"OKP","crv":"Ed25519","x":"${X.slice(0, 42)}"`,
      `"kty":"OKP","crv":"Ed25519","x":"${X.slice(0, 42)}p"`,
      `${OKP},"x":"${X}"`,
      `${OKP},"kty":"OKP"`,
      `${OKP},"a":1,"a":1`,
      `${OKP},"a":{"b":1,"b":1}`,
      `${OKP},"a":1.`,
      `${OKP},"a":-`,
      `${OKP},"a":01`,
      `${OKP},"a":1e`,
      `${OKP},"a":nul`,
      `${OKP},`,
    ];
    // Nothing of a good one is left over.
    for (let i = 0; i < bad.length; i++) {
      expect(isKey(OKP)).toBe(true);
      expect(isKey(bad[i])).toBe(false, bad[i]);
    }
    const less = [`"crv":"P-256","x":"${EC_X}","y":"${EC_Y}"`, `"kty":"EC","x":"${EC_X}","y":"${EC_Y}"`];
    for (let i = 0; i < less.length; i++) {
      expect(isKey(EC, "ES256")).toBe(true);
      expect(isKey(less[i], "ES256")).toBe(false, less[i]);
    }
    expect(isKey(EC, "ES256")).toBe(true);
    expect(isKey(`"kty":"EC","crv":"P-256","y":"${EC_Y}"`, "ES256")).toBe(false);
    expect(isKey(EC, "ES256")).toBe(true);
    expect(isKey(`"kty":"EC","crv":"P-256","x":"${EC_X}"`, "ES256")).toBe(false);
    expect(isKey(`"kty":"EC","crv":"P-256","x":"${EC_X}","y":7`, "ES256")).toBe(false);
    expect(isKey(`"kty":"EC","crv":"P-384","x":"${EC_X}","y":"${EC_Y}"`, "ES256")).toBe(false);
    expect(isKey(`"kty":"EC","crv":"secp256k1","x":"${EC_X}","y":"${EC_Y}"`, "ES256K")).toBe(false);
    expect(isKey(`"kty":"OKP","crv":"P-256","x":"${EC_X}","y":"${EC_Y}"`, "ES256")).toBe(false);
  });
});

describe("the header", () => {
  it("has exactly typ, alg and jwk, in any order", () => {
    expect(isHeader(`{"jwk":{${OKP}},"alg":"Ed25519","typ":"dpop+jwt"}`)).toBe(true);
    expect(isHeader(` { "typ" : "dpop+jwt" , "alg":"Ed25519","jwk": {${OKP}}} \n`)).toBe(true);
    const bad = [
      "",
      "{}",
      "[]",
      "null",
      `{"alg":"Ed25519","jwk":{${OKP}}}`,
      `{"typ":"dpop+jwt","jwk":{${OKP}}}`,
      '{"typ":"dpop+jwt","alg":"Ed25519"}',
      `{"typ":"jwt","alg":"Ed25519","jwk":{${OKP}}}`,
      `{"typ":"DPOP+JWT","alg":"Ed25519","jwk":{${OKP}}}`,
      `{"typ":"application/dpop+jwt","alg":"Ed25519","jwk":{${OKP}}}`,
      `{"typ":"bg+jwt","alg":"Ed25519","jwk":{${OKP}}}`,
      `{"typ":["dpop+jwt"],"alg":"Ed25519","jwk":{${OKP}}}`,
      `{"typ":"dpop+jwt","alg":"Ed25519","jwk":"${X}"}`,
      `{"typ":"dpop+jwt","alg":"Ed25519","jwk":[{${OKP}}]}`,
      `{"typ":"dpop+jwt","alg":"Ed25519","jwk":{${OKP}},"kid":"a"}`,
      `{"typ":"dpop+jwt","alg":"Ed25519","jwk":{${OKP}},"crit":[]}`,
      `{"typ":"dpop+jwt","alg":"Ed25519","jwk":{${OKP}},"typ":"dpop+jwt"}`,
      `{"typ":"dpop+jwt","alg":"Ed25519","jwk":{${OKP}},"jwk":{${OKP}}}`,
      `{"typ":"dpop+jwt","alg":"Ed25519","jwk":{${OKP}}}x`,
      `{"typ":"dpop+jwt","alg":"Ed25519","jwk":{${OKP}}`,
    ];
    for (let i = 0; i < bad.length; i++) expect(isHeader(bad[i])).toBe(false, bad[i]);
  });
  it("is of a compact JWS of three canonical parts, with a signature of 64 octets", () => {
    const header = `{"typ":"dpop+jwt","alg":"Ed25519","jwk":{${OKP}}}`;
    expect(read(header, "{}", SIGNATURE)).toBe(true);
    const signatures = [
      "",
      SIGNATURE.slice(1),
      `${SIGNATURE}A`,
      `${SIGNATURE}==`,
      `${SIGNATURE}.`,
      `${SIGNATURE.slice(1)}B`,
      `${SIGNATURE.slice(1)}=`,
    ];
    for (let i = 0; i < signatures.length; i++) expect(read(header, "{}", signatures[i])).toBe(false, signatures[i]);
    const texts = [
      "",
      ".",
      "..",
      `..${SIGNATURE}`,
      `.e30.${SIGNATURE}`,
      SIGNATURE,
      `${segment(header)}.${SIGNATURE}`,
      `${segment(header)}=.e30.${SIGNATURE}`,
    ];
    for (let i = 0; i < texts.length; i++) {
      expect(readProof(bytesOf(texts[i]), lengthOf(texts[i]), proof)).toBe(false, texts[i]);
    }
  });
  it("and its proof have at most 8 KiB", () => {
    const head = segment(`{"typ":"dpop+jwt","alg":"Ed25519","jwk":{${OKP}}}`);
    const room = 8192 - head.length - 2 - 86;
    const whole = `${head}.${"A".repeat(room)}.${SIGNATURE}`;
    expect(readProof(bytesOf(whole), lengthOf(whole), proof)).toBe(true);
    const longer = `${head}.${"A".repeat(room + 1)}.${SIGNATURE}`;
    expect(readProof(bytesOf(longer), lengthOf(longer), proof)).toBe(false);
  });
});

/** So many further members of that value. */
function membersOf(count: i32, value: string): string {
  let members = "";
  for (let i = 0; i < count; i++) members += `${i == 0 ? "" : ","}"m${i}":${value}`;
  return members;
}

describe("the claims", () => {
  it("are five, and others are nobody's business", () => {
    expect(areClaims(`{${CLAIMS}}`)).toBe(true);
    expect(stringOf(proof.idPtr, proof.idLen)).toBe("a");
    expect(stringOf(proof.methodPtr, proof.methodLen)).toBe("GET");
    expect(stringOf(proof.urlPtr, proof.urlLen)).toBe("https://a/");
    expect(proof.issuedAt).toBe(7);
    expect(areClaims(`{"nonce":"n","exp":1,"x":{"jti":"b","a":[[[[[{}]]]]]},${CLAIMS},"y":null,"z":true}`)).toBe(true);
    expect(stringOf(proof.idPtr, proof.idLen)).toBe("a");
    expect(areClaims(`{${CLAIMS},"t\\u0061":"","ta\\u0000":""}`)).toBe(true);
  });
  it("are all there, once, and of their type", () => {
    const bad = [
      "{}",
      "[]",
      `{${CLAIMS},"jti":"a"}`,
      `{${CLAIMS},"jt\\u0069":"a"}`,
      `{${CLAIMS},"a":1,"\\u0061":2}`,
      `{${CLAIMS},"a":[{"b":1,"b":2}]}`,
      `{${CLAIMS},"a":1.}`,
      `{${CLAIMS},"a":-}`,
      `{${CLAIMS},"a":01}`,
      `{${CLAIMS},"a":"\\ud800"}`,
      `{${CLAIMS},"a":[[[[[[[[]]]]]]]]}`,
      `{${CLAIMS}}{}`,
      `{${CLAIMS.replace('"jti":"a",', "")}}`,
      `{${CLAIMS.replace('"htm":"GET",', "")}}`,
      `{${CLAIMS.replace('"htu":"https://a/",', "")}}`,
      `{${CLAIMS.replace('"iat":7,', "")}}`,
      `{${CLAIMS.slice(0, CLAIMS.indexOf(',"ath"'))}}`,
      `{${CLAIMS.replace('"a"', '""')}}`,
      `{${CLAIMS.replace('"a"', "1")}}`,
      `{${CLAIMS.replace('"a"', `"${"a".repeat(257)}"`)}}`,
      `{${CLAIMS.replace('"GET"', "null")}}`,
      `{${CLAIMS.replace('"https://a/"', '["https://a/"]')}}`,
      `{${CLAIMS.replace(":7,", ':"7",')}}`,
      `{${CLAIMS.replace(":7,", ":7.0,")}}`,
      `{${CLAIMS.replace(":7,", ":-7,")}}`,
      `{${CLAIMS.replace('"AAA', '"AA')}}`,
      `{${CLAIMS.replace('"AAA', '"AAAA')}}`,
      `{${CLAIMS.replace('AAA"', 'AAB"')}}`,
      `{${CLAIMS.replace('AAA"', 'AAA="')}}`,
    ];
    for (let i = 0; i < bad.length; i++) expect(areClaims(bad[i])).toBe(false, bad[i]);
    expect(areClaims(`{${CLAIMS.replace('"a"', `"${"a".repeat(256)}"`)}}`)).toBe(true);
    expect(areClaims(`{${CLAIMS},"a":[[[[[[[]]]]]]]}`)).toBe(true);
  });
  it("and what is in them have at most 64 names open at once", () => {
    // With the five claims.
    expect(areClaims(`{${membersOf(59, "1")},${CLAIMS}}`)).toBe(true);
    expect(areClaims(`{${membersOf(60, "1")},${CLAIMS}}`)).toBe(false);
    expect(areClaims(`{${CLAIMS},${membersOf(60, "1")}}`)).toBe(false);
    // Those of an object that is closed are free again, those of the ones around it are not.
    expect(areClaims(`{${membersOf(57, '{"a":1,"b":1}')},${CLAIMS}}`)).toBe(true);
    expect(areClaims(`{${CLAIMS},"x":{${membersOf(58, "1")}}}`)).toBe(true);
    expect(areClaims(`{${CLAIMS},"x":{${membersOf(59, "1")}}}`)).toBe(false);
  });
});
