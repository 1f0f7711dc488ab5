package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/transparency-dev/tessera"
)

const (
	// A request's entries are held in memory until they are on the disk.
	maxBody = 4 << 20
	// What all requests together may hold; beyond it a sender hears 503 and comes again.
	maxHeld = 256 << 20
)

type adder struct {
	add  tessera.AddFn
	size func(context.Context) (uint64, error)
	gate gate
	held atomic.Int64
}

// The body is an entry bundle of tlog-tiles; the answer comes when every entry is on the disk.
func (a *adder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.ContentLength < 0:
		http.Error(w, "the request needs a content-length", http.StatusLengthRequired)
		return
	case r.ContentLength > maxBody:
		_, _ = io.CopyN(io.Discard, r.Body, 4*maxBody) // Who is still sending does not read the answer.
		http.Error(w, fmt.Sprintf("the body is larger than %d bytes", maxBody), http.StatusRequestEntityTooLarge)
		return
	}
	defer a.held.Add(-r.ContentLength)
	if a.held.Add(r.ContentLength) > maxHeld {
		w.Header().Set("retry-after", "1")
		http.Error(w, "too much is being written", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the body did not come whole", http.StatusBadRequest)
		return
	}
	entries, err := entriesOf(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	indices, err := a.append(r, entries)
	var moved *movedError
	switch {
	case errors.As(err, &moved):
		http.Error(w, err.Error(), http.StatusPreconditionFailed)
		return
	case errors.Is(err, errNoSize):
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case err != nil:
		log.Printf("an entry was not written: %v", err)
		http.Error(w, "not all entries were written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("content-type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string][]uint64{"indices": indices}); err != nil {
		log.Printf("an answer was not sent: %v", err)
	}
}

var errNoSize = errors.New("if-size is no number of entries")

// Nothing was written.
type movedError struct{ size uint64 }

func (e *movedError) Error() string { return fmt.Sprintf("the log has %d entries", e.size) }

// With `if-size` the entries stand at that index and behind it, one after the other, or none of them is written.
func (a *adder) append(r *http.Request, entries [][]byte) ([]uint64, error) {
	wanted := r.Header.Get("if-size")
	leave, err := a.gate.enter(wanted != "")
	if err != nil {
		return nil, err
	}
	defer leave()
	if wanted != "" {
		want, err := strconv.ParseUint(wanted, 10, 63)
		if err != nil {
			return nil, errNoSize
		}
		if size, err := a.size(r.Context()); err != nil {
			return nil, err
		} else if size != want {
			return nil, &movedError{size}
		}
	}
	futures := make([]tessera.IndexFuture, len(entries))
	for i, entry := range entries {
		futures[i] = a.add(r.Context(), tessera.NewEntry(entry))
	}
	// All of them, also behind an error: what is still on its way must not come between the next one's.
	indices, failed := make([]uint64, len(futures)), error(nil)
	for i, future := range futures {
		index, err := future()
		if failed == nil {
			failed = err
		}
		indices[i] = index.Index
	}
	return indices, failed
}

// Entries behind their 16-bit lengths: a longer one cannot be said, and what is cut or left over is no bundle.
func entriesOf(body []byte) ([][]byte, error) {
	var entries [][]byte
	for at := 0; at < len(body); {
		if len(body)-at < 2 {
			return nil, fmt.Errorf("byte %d: half a length", at)
		}
		length := int(binary.BigEndian.Uint16(body[at:]))
		if at += 2; len(body)-at < length {
			return nil, fmt.Errorf("byte %d: an entry of %d bytes, and %d are left", at, length, len(body)-at)
		}
		entries, at = append(entries, body[at:at+length]), at+length
	}
	if len(entries) == 0 {
		return nil, errors.New("no entry")
	}
	return entries, nil
}
