// Command client requests files from the server of examples/pipes. The server may act for it. With -identify the
// server may only identify it.
//
//	go run ./examples/pipes/client report payroll
package main

import (
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/examples/pipes"
	"github.com/refmon/refmon/winnt"
)

// main asks the server for the files that the arguments name, and prints its answers. It exits with 1 after an error,
// and with 2 without a name.
func main() {
	identify := flag.Bool("identify", false, "let the server identify this program, not act for it")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: client [-identify] NAME...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	level := winnt.SecurityImpersonation
	if *identify {
		level = winnt.SecurityIdentification
	}
	conn, err := client.Dial(client.Socket())
	if err == nil {
		err = pipes.Ask(conn, level, flag.Args(), os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}
