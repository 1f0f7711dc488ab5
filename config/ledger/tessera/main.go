// A Tessera personality for Glassgate's ledger: more than one process may append, Tessera keeps the order and signs the checkpoints.
// The log that it writes is C2SP tlog-tiles, as the embedded ledger's is. See README.md.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
)

// What is served. Of tlog-tiles: a level of at most two digits or "entries", an index in groups of three digits, a partial's width.
var served = regexp.MustCompile(`^/(checkpoint|tile/([0-9]{1,2}|entries)(/x[0-9]{3})*/[0-9]{3}(\.p/[0-9]{1,3})?|blob/[0-9a-f]{64})$`)

func main() {
	folder := flag.String("folder", "", "the log's `FOLDER`; made if it is not there")
	keyFile := flag.String("key-file", "", "`FILE` with the note signer key (PRIVATE+KEY+...); nobody else may read it")
	tokenFile := flag.String("token-file", "", "`FILE` with the bearer token of POST /add")
	readTokenFile := flag.String("read-token-file", "", "`FILE` with the bearer token of GET; without it anybody reads who gets here")
	listen := flag.String("listen", "127.0.0.1:8091", "`ADDRESS` to listen at; port 0 takes a free one")
	certFile := flag.String("tls-cert", "", "`FILE` with the server's certificate chain")
	tlsKeyFile := flag.String("tls-key", "", "`FILE` with the certificate's key")
	interval := flag.Duration("checkpoint-interval", time.Second, "how often a checkpoint is published; 100 ms is Tessera's least")
	batch := flag.Uint("batch", 1024, "entries that are made durable at a time")
	batchAge := flag.Duration("batch-age", 20*time.Millisecond, "how long the first entry of a batch waits for others")
	collect := flag.Duration("collect-interval", 10*time.Second, "how often partial tiles are removed whose full one exists")
	newKey := flag.String("new-key", "", "make a key for a log of this `NAME`, write it to --key-file, print the verifier key, and end")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("%q is no option. See --help.", flag.Arg(0))
	}
	if *newKey != "" {
		check(makeKey(*newKey, *keyFile))
		return
	}
	if *folder == "" || *keyFile == "" || *tokenFile == "" {
		log.Fatal("--folder, --key-file and --token-file are needed. See --help.")
	}
	signer, verifierKey := readKey(*keyFile)
	addToken, readToken := token(*tokenFile), ""
	if *readTokenFile != "" {
		readToken = token(*readTokenFile)
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	driver, err := posix.New(ctx, posix.Config{Path: *folder})
	check(err)
	// No antispam: it would give two equal entries one index, and a ledger's entry is what came, as often as it came.
	appender, finish, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(*interval).
		WithCheckpointRepublishInterval(max(10*time.Minute, *interval)).
		WithBatching(*batch, *batchAge).
		WithGarbageCollectionInterval(*collect))
	check(err)

	routes := http.NewServeMux()
	routes.Handle("POST /add", guarded(addToken, &adder{add: appender.Add, size: reader.IntegratedSize, gate: gateOf(*folder)}))
	routes.Handle("POST /writer", guarded(addToken, &writers{size: reader.IntegratedSize}))
	routes.Handle("PUT /blob/{name}", guarded(addToken, putBlob(*folder)))
	routes.Handle("GET /checkpoint", guarded(readToken, file(*folder, "text/plain; charset=utf-8", "no-cache")))
	for _, path := range []string{"GET /tile/", "GET /blob/"} {
		routes.Handle(path, guarded(readToken, file(*folder, "application/octet-stream", "max-age=31536000, immutable")))
	}
	server := &http.Server{
		Handler:           routes,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	socket, err := net.Listen("tcp", *listen)
	check(err)
	fmt.Printf("key %s\nlistening on %s\n", verifierKey, socket.Addr())

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan error, 1)
	go func() {
		if *certFile != "" {
			ended <- server.ServeTLS(socket, *certFile, *tlsKeyFile)
		} else {
			ended <- server.Serve(socket)
		}
	}()
	select {
	case err := <-ended:
		log.Fatal(err)
	case <-stop:
	}
	// First no more requests, then a checkpoint over all that was answered.
	patience, done := context.WithTimeout(ctx, 30*time.Second)
	defer done()
	check(server.Shutdown(patience))
	check(finish(patience))
}

// A finished file of the log; nothing else of the folder.
func file(folder, contentType, caching string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !served.MatchString(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		path := filepath.Join(folder, filepath.FromSlash(r.URL.Path))
		if found, err := os.Stat(path); err != nil || !found.Mode().IsRegular() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("content-type", contentType)
		w.Header().Set("cache-control", caching)
		http.ServeFile(w, r, path)
	})
}

func guarded(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte("Bearer " + token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("www-authenticate", "Bearer")
			http.Error(w, "the bearer token is missing or another", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
