// Package pipes is a server on a named pipe and its client, two programs that refmond connects. The server opens
// files as its client.
//
//	go run ./examples/pipes/server
//	go run ./examples/pipes/client report payroll
package pipes

import (
	"fmt"
	"io"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Serve waits on the named pipe \??\pipe\orders. It reads names of files, opens each file as the client, and replies
// with the status. It prints each step to out. It turns clients away while there are too many, and returns an error
// when the connection to refmond is lost.
func Serve(conn *client.Conn, out io.Writer) error {
	// Clients get no FILE_CREATE_PIPE_INSTANCE: with it they could serve the pipe's other clients.
	everyone := nt.PipeConfig{Message: true, SecurityDescriptor: sddl.MustParse("D:(A;;0x12019b;;;WD)(A;;FA;;;OW)")}
	pipes, err := conn.Thread().ListenPipe("orders", everyone)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "listening on \\??\\pipe\\orders")
	for {
		c, err := pipes.AcceptPipe()
		if err != nil {
			if conn.Err() != nil {
				return err
			}
			time.Sleep(100 * time.Millisecond) // for example too little memory: try again
			continue
		}
		go func() {
			defer c.Close()             //nolint:errcheck // the client has its answers, or is gone
			th, err := conn.NewThread() // each client has a thread, so identities never mix
			if err != nil {
				return // too many clients: this one must come again
			}
			defer th.Close()
			answer(c, th, out)
		}()
	}
}

// answer opens the files that the client names with the client's rights only. After a name of 256 bytes or more it
// hangs up.
func answer(c *nt.PipeConn, th *nt.Thread, out io.Writer) {
	request := make([]byte, 256)
	for {
		n, err := c.Read(request)
		if err != nil || n == len(request) {
			return // the client has left, or the next read would return the rest of this message
		}
		status := open(c, th, string(request[:n]))
		fmt.Fprintf(out, "asked for %q: %s\n", request[:n], status)
		if _, err := io.WriteString(c, status); err != nil {
			return
		}
	}
}

// open opens a file as the client of the pipe and returns the status as text. It ends the impersonation before it
// returns.
func open(c *nt.PipeConn, th *nt.Thread, name string) string {
	revert, err := c.ImpersonateClient(th)
	if err != nil {
		return err.Error()
	}
	defer revert()
	h, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: name}, 0, 0)
	if st.IsSuccess() {
		th.NtClose(h)
	}
	return st.String()
}
