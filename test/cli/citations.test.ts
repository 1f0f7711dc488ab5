/** Whoever cites a document, a section of one or a file of the project, in docs, comments or messages, cites what is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Not ours: what is built or fetched, and vectors with their authors' own notes. */
const NOT_OURS = new Set(["node_modules", "build", "dist", "coverage", "test/vectors/cctv", "test/vectors/wycheproof"]);
const TEXT = /\.(?:ts|mjs|js|md|yaml|json|svg|py|lua)$/;

function* textFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = posix.join(folder, entry.name);
    if (entry.name.startsWith(".") || NOT_OURS.has(path)) continue;
    if (entry.isDirectory()) yield* textFiles(path);
    else if (TEXT.test(entry.name) && entry.name !== "package-lock.json") yield path;
  }
}
const texts = new Map([...textFiles(".")].map((file) => [file, readFileSync(join(root, file), "utf8")]));
const documents = [...texts.keys()].filter((file) => file.endsWith(".md"));

/** The document that `cited` names in that file: from the top, from the file's own folder, or by its bare name alone. */
function documentOf(file: string, cited: string): string | undefined {
  const paths = [posix.normalize(cited), posix.join(dirname(file), cited)];
  const found = documents.find((document) => paths.includes(document));
  return found ?? (cited.includes("/") ? undefined : documents.find((document) => basename(document) === cited));
}

/** Paragraphs and comments as running text: a citation may be wrapped anywhere. */
const unwrapped = (text: string): string => text.replace(/\s*\n\s*(?:\*(?!\/)|\/\/|#)?\s*/g, " ");

/** The headings of a document, as written. */
const headingsOf = (document: string): string[] =>
  [...(texts.get(document) ?? "").replace(/^```.*?^```/gms, "").matchAll(/^#+ (.+)$/gm)].map(
    ([, heading = ""]) => heading,
  );

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");

/** What is wrong with each citation of that kind, `FILE: CITED`, over all files. */
function faults(find: (file: string, text: string) => Iterable<string>): string[] {
  return [...texts].flatMap(([file, text]) => [...find(file, text)].map((cited) => `${file}: ${cited}`));
}

describe("whatever is cited exists", () => {
  it("documents", () => {
    const missing = faults((file, text) =>
      [...text.matchAll(/(?<![\w./:@-])(?:\.{0,2}\/)?[\w./-]*[\w-]\.md\b/g)]
        .map(([cited]) => cited)
        .filter((cited) => documentOf(file, cited) === undefined),
    );
    expect(missing).toEqual([]);
  });

  it("sections named in quotes behind a document", () => {
    const missing = faults((file, text) =>
      [...unwrapped(text).matchAll(/([\w./-]+\.md),? \(?(?:section )?"([^"]+)"/g)].flatMap(
        ([, document = "", section = ""]) => {
          const found = documentOf(file, document);
          return found === undefined || headingsOf(found).includes(section) ? [] : [`${document}, "${section}"`];
        },
      ),
    );
    expect(missing).toEqual([]);
  });

  it("links, with the place in the document that they lead to", () => {
    const missing = documents.flatMap((file) => {
      const links = [...(texts.get(file) ?? "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
      const broken = links.filter((target) => {
        if (/^[a-z]+:/.test(target)) return false;
        const [path = "", anchor] = target.split("#", 2);
        const document = path === "" ? file : posix.join(dirname(file), path);
        if (!existsSync(join(root, document))) return true;
        return anchor !== undefined && !headingsOf(document).map(anchorOf).includes(anchor);
      });
      return broken.map((target) => `${file}: ${target}`);
    });
    expect(missing).toEqual([]);
  });

  it("files of the project that docs and comments name", () => {
    const comments = (text: string): string =>
      [...text.matchAll(/\/\*.*?\*\/|(?:^|\s)(?:\/\/|#).*$/gms)].map(([comment]) => comment).join("\n");
    const missing = faults((file, text) => {
      const prose = file.endsWith(".md") ? text : /\.(?:ts|mjs|yaml)$/.test(file) ? comments(text) : "";
      return [...prose.matchAll(/(?<![\w./@<-])(?:assembly|bench|config|control|docs|scripts|test)\/[\w./-]*\w/g)]
        .map(([cited]) => cited)
        .filter((cited) => ![cited, `${cited}.ts`, `${cited}.test.ts`].some((path) => existsSync(join(root, path))));
    });
    expect(missing).toEqual([]);
  });
});
