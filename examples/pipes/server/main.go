// Command server serves the clients of examples/pipes. refmond must run; see docs/refmond.md.
package main

import (
	"log"
	"os"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/examples/pipes"
)

func main() {
	conn, err := client.Dial(client.Socket())
	if err == nil {
		err = pipes.Serve(conn, os.Stdout)
	}
	log.Fatal(err)
}
