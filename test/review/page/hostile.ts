/** What a member may hold that was written by somebody else. */

/** Members whose form the reader has checked before anything is shown. */
export const FIXED: ReadonlySet<string> = new Set([
  "grant",
  "state",
  "what",
  "code",
  "classification",
  "verdict",
  "binding",
  "root",
  "digest",
]);

export const SHORT: Readonly<Record<string, string>> = {
  "a script": "<script>alert(1)</script>",
  "the end of the style sheet": "</style><img src=x onerror=alert(1)>",
  "the end of the title": "</title></head><body onload=alert(1)>",
  "the end of an attribute": `" onmouseover="alert(1)" x='`,
  "a single quote": "' autofocus onfocus='alert(1)",
  "a URL of code": "javascript:alert(1)",
  "a URL elsewhere": "https://evil.example/?q=<svg/onload=alert(1)>",
  "an entity": "&lt;script&gt;&#x3c;b&#x3e;&amp;",
  "a comment": "<!-- --><!--",
  "a template": "{{1}}<%= 1 %>",
  "an object's own name": "__proto__",
  "no text": "",
};

export const INVISIBLE: Readonly<Record<string, string>> = {
  "control characters": "a\u0000b\u001b[31mc\u0007d\u0085e",
  "the other direction": "abc\u202etxt.exe\u2066x\u2069\u200f",
  "nothing to see": "a\u200bb\u00adc\u3164d\ufeffe\u2800",
  "half a character": "a\ud800b",
  "marks on marks": `e${"\u0301".repeat(60)}`,
};

export const LONG = `<b>${"A\u202e\u0000<i>&".repeat(10_000)}`;
