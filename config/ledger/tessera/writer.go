package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// The longest that a writer is taken to be there without a word.
const maxClaim = 60

// What a claim may hold: two names and a number.
const maxClaimBytes = 4 << 10

// A log that is judged while it is written has one writer at a time: each entry rests on all those before it. He claims the log by name,
// so that a second one hears of him when it starts. That is a courtesy, and forgotten when this process ends; what keeps two writers
// apart is `if-size` of POST /add.
type writers struct {
	size func(context.Context) (uint64, error)

	mu       sync.Mutex
	id, name string
	until    time.Time
}

type claim struct {
	// The same after a restart of the same writer.
	ID string `json:"id"`
	// For people.
	Name string `json:"name"`
	// How long it holds; 0 gives it back.
	Seconds int `json:"seconds"`
}

// POST /writer: 200 with the entries that are durable, or 409 with the name of who has it.
func (w *writers) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	var c claim
	decoder := json.NewDecoder(http.MaxBytesReader(answer, r.Body, maxClaimBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil || c.ID == "" || c.Name == "" || c.Seconds < 0 || c.Seconds > maxClaim {
		http.Error(answer, "a claim is {id, name, seconds}, of at most 60 seconds", http.StatusBadRequest)
		return
	}
	if holder := w.take(c, time.Now()); holder != "" {
		http.Error(answer, holder, http.StatusConflict)
		return
	}
	size, err := w.size(r.Context())
	if err != nil {
		http.Error(answer, "the log's size cannot be read", http.StatusInternalServerError)
		return
	}
	answer.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(answer).Encode(map[string]uint64{"size": size}) // Who is gone asks again.
}

// Gives the name of the other one who has it.
func (w *writers) take(c claim, now time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.id != c.ID && now.Before(w.until) {
		return w.name
	}
	w.id, w.name, w.until = c.ID, c.Name, now.Add(time.Duration(c.Seconds)*time.Second)
	return ""
}

// Nobody else appends to the folder while it is held for one alone, in this process or another.
type gate struct{ path string }

func gateOf(folder string) gate { return gate{filepath.Join(folder, ".state", "appending.lock")} }

func (g gate) enter(alone bool) (leave func(), err error) {
	file, err := os.OpenFile(g.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX
	}
	for {
		err = syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { _ = file.Close() }, nil // Which gives the lock back.
}
