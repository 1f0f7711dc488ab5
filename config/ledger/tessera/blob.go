package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
)

// A body that is too long for an entry stands beside the log, under its SHA-256.
const maxBlob = 64 << 20

var blobName = regexp.MustCompile(`^[0-9a-f]{64}$`)

var errOther = errors.New("the bytes are not those of the name")

// PUT /blob/SHA256: 204 once the bytes are durable, also where they were there before.
func putBlob(folder string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if !blobName.MatchString(name) {
			http.NotFound(w, r)
			return
		}
		err := writeBlob(filepath.Join(folder, "blob"), name, http.MaxBytesReader(w, r.Body, maxBlob))
		var tooLarge *http.MaxBytesError
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.As(err, &tooLarge):
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		case errors.Is(err, errOther), errors.Is(err, io.ErrUnexpectedEOF):
			http.Error(w, err.Error(), http.StatusBadRequest)
		default:
			log.Printf("a blob was not written: %v", err)
			http.Error(w, "the bytes were not written", http.StatusInternalServerError)
		}
	})
}

// Under a name of its own first, so that whoever sees the name finds all of it.
func writeBlob(folder, name string, bytes io.Reader) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, ".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // After the rename there is nothing of that name.
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, hash), bytes)
	if err == nil && hex.EncodeToString(hash.Sum(nil)) != name {
		err = errOther
	}
	if err == nil {
		err = errors.Join(file.Chmod(0o644), file.Sync())
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), filepath.Join(folder, name)); err != nil {
		return err
	}
	return errors.Join(syncFolder(folder), syncFolder(filepath.Dir(folder)))
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
