package pipes

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// Ask sends the names of files to the server and prints its replies. level limits what the server may do with this
// program's identity: identify it, or act for it.
func Ask(conn *client.Conn, level winnt.SecurityImpersonationLevel, files []string, out io.Writer) error {
	pipe, err := conn.Thread().DialPipe("orders", &nt.SecurityQualityOfService{ImpersonationLevel: level})
	if err != nil {
		return err
	}
	defer pipe.Close() //nolint:errcheck // the server saw all that was said
	answer := make([]byte, 256)
	for _, name := range files {
		if _, err := io.WriteString(pipe, name); err != nil {
			return err
		}
		n, err := pipe.Read(answer)
		if err != nil {
			return fmt.Errorf("no answer about %q: %w", name, err)
		}
		fmt.Fprintf(out, "%s: %s\n", name, plain(answer[:n]))
	}
	return nil
}

// plain returns an answer without what controls a terminal: another server could have taken the name of the pipe.
func plain(answer []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, string(answer))
}
