package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A tile is 256 wide; x/mod says so by its height.
const height, width = 8, 256

func verify(folder, vkey, since string, chosen []int64) error {
	verifier, err := verifierOf(vkey)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(text, verifier)
	if err != nil {
		return err
	}
	fmt.Printf("checkpoint   %s, size %d, root %s, signed by the key\n", verifier.Name(), tree.N, tree.Hash)

	tiles := files{folder}
	hashes, err := tiles.fromEntries(tree.N)
	if err != nil {
		return err
	}
	compared, err := tiles.compare(hashes, tree.N)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the %d entries have the root %s", tree.N, root)
	}
	fmt.Printf("entries      %d hashed again: the root is theirs\ntiles        %d equal what the entries make\n", tree.N, compared)

	// From here the tiles speak for themselves, as they do to a client that has nothing else.
	reader := tlog.TileHashReader(tree, tiles)
	if len(chosen) == 0 && tree.N > 0 {
		chosen = []int64{0, tree.N / 2, tree.N - 1}
	}
	for _, n := range chosen {
		if n >= tree.N {
			return fmt.Errorf("entry %d is not in a tree of %d", n, tree.N)
		}
		path, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return fmt.Errorf("inclusion of entry %d: %w", n, err)
		}
		if err := tlog.CheckRecord(path, tree.N, tree.Hash, n, hashes[tlog.StoredHashIndex(0, n)]); err != nil {
			return fmt.Errorf("inclusion of entry %d: %w", n, err)
		}
		fmt.Printf("inclusion    entry %d, %d hashes\n", n, len(path))
	}
	if since == "" {
		fmt.Println("consistency  not looked at: no older checkpoint was given")
		return nil
	}
	text, err = os.ReadFile(since)
	if err != nil {
		return err
	}
	old, err := openCheckpoint(text, verifier)
	if err != nil {
		return fmt.Errorf("%s: %w", since, err)
	}
	switch {
	case old.N > tree.N:
		return fmt.Errorf("the kept checkpoint has %d entries, the log %d: the rest was cut off", old.N, tree.N)
	case old.N > 0:
		path, err := tlog.ProveTree(tree.N, old.N, reader)
		if err != nil {
			return fmt.Errorf("consistency: %w", err)
		}
		if err := tlog.CheckTree(path, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			return fmt.Errorf("the log is not a continuation of the kept checkpoint of size %d: %w", old.N, err)
		}
	}
	fmt.Printf("consistency  what the kept checkpoint of size %d covers is unchanged\n", old.N)
	return nil
}

// A tree's hashes in x/mod's order of storage.
type storage []tlog.Hash

func (s storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("hash %d is not there", index)
		}
		found[i] = s[index]
	}
	return found, nil
}

// A log's folder, with the paths of C2SP tlog-tiles.
type files struct{ folder string }

// x/mod has the tiles' height in the path ("tile/8/0/000"), tlog-tiles has not.
func pathOf(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

// The whole one serves where the partial one was removed.
func (f files) read(path string) ([]byte, string, error) {
	data, err := os.ReadFile(filepath.Join(f.folder, filepath.FromSlash(path)))
	if whole, _, partial := strings.Cut(path, ".p/"); partial && errors.Is(err, os.ErrNotExist) {
		if data, other := os.ReadFile(filepath.Join(f.folder, filepath.FromSlash(whole))); other == nil {
			return data, whole, nil
		}
	}
	return data, path, err
}

func (f files) tile(tile tlog.Tile) ([]byte, string, error) {
	data, path, err := f.read(pathOf(tile))
	if err != nil {
		return nil, path, err
	}
	if whole := width * tlog.HashSize; len(data) == whole && tile.W < width {
		data = data[:tile.W*tlog.HashSize]
	}
	if len(data) != tile.W*tlog.HashSize {
		return nil, path, fmt.Errorf("%s: %d bytes instead of %d", path, len(data), tile.W*tlog.HashSize)
	}
	return data, path, nil
}

func (f files) Height() int                         { return height }
func (f files) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (f files) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		bytes, _, err := f.tile(tile)
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

// Every hash of the tree, made from the entries alone; each entry is held against its hash in the tile above.
func (f files) fromEntries(size int64) (storage, error) {
	hashes := make(storage, 0, tlog.StoredHashCount(size))
	for first := int64(0); first < size; first += width {
		count := min(width, size-first)
		leaves := tlog.Tile{H: height, L: 0, N: first / width, W: int(count)}
		above, tilePath, err := f.tile(leaves)
		if err != nil {
			return nil, err
		}
		asked := strings.Replace(pathOf(leaves), "tile/0/", "tile/entries/", 1)
		bundle, path, err := f.read(asked)
		if err != nil {
			return nil, err
		}
		for n := first; n < first+count; n++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("%s ends inside entry %d", path, n)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			hash := tlog.RecordHash(bundle[2 : 2+length])
			bundle = bundle[2+length:]
			if at := (n - first) * tlog.HashSize; !bytes.Equal(hash[:], above[at:at+tlog.HashSize]) {
				return nil, fmt.Errorf("entry %d in %s is not what %s has the hash of", n, path, tilePath)
			}
			more, err := tlog.StoredHashesForRecordHash(n, hash, hashes)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, more...)
		}
		if len(bundle) > 0 && path == asked {
			return nil, fmt.Errorf("%s has %d bytes behind entry %d", path, len(bundle), first+count-1)
		}
	}
	return hashes, nil
}

// Every tile of a tree of that size against what the entries make of it.
func (f files) compare(hashes storage, size int64) (int, error) {
	tiles := tlog.NewTiles(height, 0, size)
	for _, tile := range tiles {
		data, path, err := f.tile(tile)
		if err != nil {
			return 0, err
		}
		want, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return 0, err
		}
		for i := 0; i < len(want); i += tlog.HashSize {
			if !bytes.Equal(data[i:i+tlog.HashSize], want[i:i+tlog.HashSize]) {
				return 0, fmt.Errorf("%s: hash %d is not what the entries make", path, i/tlog.HashSize)
			}
		}
	}
	return len(tiles), nil
}
