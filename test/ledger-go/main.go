// Verifies a ledger with nothing of Glassgate: Go's own transparency log (golang.org/x/mod/sumdb) and the standard library.
//
//	ledger-go verify [--since FILE] [--index N,N...] FOLDER VKEY
//	ledger-go proof VKEY PROOFFILE ENTRYFILE
//
// Exit codes: 0 verified, 1 not verified, 2 the call was wrong.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
)

const usage = `ledger-go verify [--since FILE] [--index N,N...] FOLDER VKEY
ledger-go proof VKEY PROOFFILE ENTRYFILE
VKEY is a verifier key of signed-note, or a file that holds one.`

func main() {
	if len(os.Args) < 2 {
		wrong()
	}
	var err error
	switch os.Args[1] {
	case "verify":
		options := flag.NewFlagSet("verify", flag.ExitOnError)
		since := options.String("since", "", "a checkpoint `FILE` that was kept")
		index := options.String("index", "", "`N,N...`: entries whose inclusion is proved; without it the first, the middle and the last")
		_ = options.Parse(os.Args[2:]) // It ends the process by itself.
		if options.NArg() != 2 {
			wrong()
		}
		var chosen []int64
		for _, text := range strings.Split(*index, ",") {
			if text == "" {
				continue
			}
			n, parsing := strconv.ParseInt(text, 10, 64)
			if parsing != nil || n < 0 {
				wrong()
			}
			chosen = append(chosen, n)
		}
		err = verify(options.Arg(0), options.Arg(1), *since, chosen)
	case "proof":
		if len(os.Args) != 5 {
			wrong()
		}
		err = proof(os.Args[2], os.Args[3], os.Args[4])
	default:
		wrong()
	}
	if err != nil {
		fmt.Printf("NOT VERIFIED: %v\n", err)
		os.Exit(1)
	}
	fmt.Println("VERIFIED")
}

func wrong() {
	fmt.Fprintln(os.Stderr, usage)
	os.Exit(2)
}
