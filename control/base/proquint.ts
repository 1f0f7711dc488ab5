/** Bytes as words that can be read over the telephone: proquints (D. S. Wilkerson), 16 bits a word, consonants and vowels in turn. */

const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";

/** @param bytes an even number of them. @returns `lusab babad ...` */
export function proquints(bytes: Uint8Array): string {
  const words: string[] = [];
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    const bits = ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    const letter = (alphabet: string, shift: number): string => alphabet.charAt((bits >> shift) % alphabet.length);
    words.push(
      letter(CONSONANTS, 12) + letter(VOWELS, 10) + letter(CONSONANTS, 6) + letter(VOWELS, 4) + letter(CONSONANTS, 0),
    );
  }
  return words.join(" ");
}
