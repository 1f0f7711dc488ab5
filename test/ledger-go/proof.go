package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A C2SP tlog-proof: the entry's leaf hash, by the path in the file, is under the root that the checkpoint in the file signs.
func proof(vkey, proofFile, entryFile string) error {
	verifier, err := verifierOf(vkey)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(proofFile)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return err
	}
	head, checkpoint, found := strings.Cut(string(text), "\n\n")
	if !found {
		return fmt.Errorf("the proof has no checkpoint")
	}
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("the proof begins with %q", lines[0])
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:] // Not authenticated, so nothing rests on it.
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return fmt.Errorf("the proof has no index")
	}
	number := strings.TrimPrefix(lines[0], "index ")
	index, err := strconv.ParseInt(number, 10, 64)
	if err != nil || strconv.FormatInt(index, 10) != number {
		return fmt.Errorf("the proof's index is %q", number)
	}
	var path tlog.RecordProof
	for i, line := range lines[1:] {
		bytes, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(bytes) != tlog.HashSize {
			return fmt.Errorf("hash %d of the proof is %q", i, line)
		}
		path = append(path, tlog.Hash(bytes))
	}
	tree, err := openCheckpoint([]byte(checkpoint), verifier)
	if err != nil {
		return err
	}
	if index < 0 || index >= tree.N {
		return fmt.Errorf("entry %d is not in a tree of %d", index, tree.N)
	}
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return fmt.Errorf("entry %d in the tree of %d: %w", index, tree.N, err)
	}
	fmt.Printf("checkpoint   %s, size %d, root %s, signed by the key\n", verifier.Name(), tree.N, tree.Hash)
	fmt.Printf("inclusion    these %d bytes are its entry %d\n", len(entry), index)
	return nil
}
