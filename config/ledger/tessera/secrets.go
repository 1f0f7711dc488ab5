package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The shortest that 128 random bits can be in base64url.
const minToken = 22

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A secret's file, without the line's end. Refused where others may read it.
func secret(path string) string {
	found, err := os.Stat(path)
	check(err)
	if found.Mode().Perm()&0o077 != 0 {
		log.Fatalf("%s may be read by others. Set its mode to 0600.", path)
	}
	text, err := os.ReadFile(path)
	check(err)
	return strings.TrimRight(string(text), "\r\n")
}

func token(path string) string {
	text := secret(path)
	if len(text) < minToken || strings.ContainsAny(text, " \t\r\n") {
		log.Fatalf("%s is no token: one line of at least %d characters, without spaces.", path, minToken)
	}
	return text
}

// The signer of the checkpoints, and its verifier key for those who check them.
// The form is x/mod's: PRIVATE+KEY+<name>+<key id>+base64(1, seed). The name is the log's origin.
func readKey(path string) (note.Signer, string) {
	text := secret(path)
	signer, err := note.NewSigner(text)
	if err != nil {
		log.Fatalf("%s is no note signer key: %v", path, err)
	}
	parts := strings.SplitN(text, "+", 5) // note.NewSigner has seen to it that there are five.
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	check(err)
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		log.Fatal("Ed25519 has another kind of public key.")
	}
	verifierKey, err := note.NewEd25519VerifierKey(signer.Name(), public)
	check(err)
	return signer, verifierKey
}

func makeKey(name, path string) error {
	if path == "" {
		return errors.New("--key-file is needed: where the key goes")
	}
	signerKey, verifierKey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.WriteString(signerKey + "\n"); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		fmt.Println(verifierKey)
	}
	return err
}
