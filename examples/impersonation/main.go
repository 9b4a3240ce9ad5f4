// Command impersonation shows in one run what refmon is for: a server thread impersonates a client, the client's rights
// decide two opens, and the entry that denied one of them is named.
//
//	go run ./examples/impersonation
//
// examples/impersonation.star is the longer tour.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	serverToken = `{"user":"NS","groups":["WD"],"privileges":["SeImpersonatePrivilege"]}`
	aliceToken  = `{"user":"S-1-5-21-1-2-3-1107","groups":["WD","DU"]}`
)

// files are the names and descriptors of the server's files. Alice is a member of DU, Domain Users.
var files = [][2]string{
	{"report", "O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-513)(A;;FA;;;SY)"},
	{"payroll", "O:SYG:SYD:(D;;FW;;;S-1-5-21-1-2-3-513)(A;;FA;;;WD)"},
	{"server-secret", "O:NSG:NSD:(A;;FR;;;NS)(A;;FA;;;SY)"},
}

func main() {
	sys := kernel.Boot(kernel.Config{})
	if err := errors.Join(run(sys, os.Stdout), sys.Close()); err != nil {
		log.Fatal(err)
	}
}

// run creates the files, connects alice to the server over a named pipe, and opens each file twice on the server's
// thread: as the server itself, and while the thread impersonates alice.
func run(sys *kernel.System, out io.Writer) error {
	for _, f := range files {
		if err := sys.CreateFile(f[0], sddl.MustParse(f[1])); err != nil {
			return err
		}
	}
	server, err := start(sys, "server", serverToken)
	if err != nil {
		return err
	}
	alice, err := start(sys, "alice", aliceToken)
	if err != nil {
		return err
	}
	server.Trace(tracer{out})
	conn, err := connect(server, alice)
	if err != nil {
		return err
	}

	fmt.Fprintln(out, "The server's thread acts as the server:")
	open(server)
	fmt.Fprintln(out, "\nThe same thread impersonates its client, alice:")
	revert, err := conn.ImpersonateClient(server)
	if err != nil {
		return err // to go on would be to open alice's files as the server
	}
	defer revert()
	open(server)
	return nil
}

// start creates a process with the token in a token file, and returns its first thread.
func start(sys *kernel.System, name, file string) (*nt.Thread, error) {
	t, err := token.Parse([]byte(file))
	if err != nil {
		return nil, err
	}
	p, err := sys.NewProcess(name, t)
	if err != nil {
		return nil, err
	}
	return p.NewThread()
}

// connect returns the server's end of a named pipe over which the client has sent one request. The client lets the
// server impersonate it.
func connect(server, client *nt.Thread) (*nt.PipeConn, error) {
	l, err := server.ListenPipe("files",
		nt.PipeConfig{SecurityDescriptor: sddl.MustParse("O:NSG:NSD:(A;;0x12019b;;;WD)(A;;FA;;;NS)")})
	if err != nil {
		return nil, err
	}
	qos := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}
	far, err := client.DialPipe("files", qos)
	if err != nil {
		return nil, err
	}
	conn, err := l.AcceptPipe()
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(far, "open"); err != nil {
		return nil, err
	}
	_, err = conn.Read(make([]byte, 4)) // a server can impersonate only a client whose request it has read
	return conn, err
}

// open opens each file: the payroll for reading and writing, the others for reading. The tracer prints the results.
func open(th *nt.Thread) {
	for _, f := range files {
		desired := winnt.FILE_READ_DATA
		if f[0] == "payroll" {
			desired |= winnt.FILE_WRITE_DATA
		}
		if h, st := th.NtOpenFile(desired, &nt.ObjectAttributes{ObjectName: f[0]}, 0, 0); st.IsSuccess() {
			th.NtClose(h)
		}
	}
}

// tracer prints each NtOpenFile of a thread, and why an access check denied it.
type tracer struct{ out io.Writer }

// Traced prints a call of NtOpenFile. It ignores other calls.
func (t tracer) Traced(c *nt.Call) {
	in, ok := c.In.(nt.OpenFileIn)
	if !ok {
		return
	}
	fmt.Fprintf(t.out, "  NtOpenFile(%s, %s): %s\n", in.ObjectAttributes.V.ObjectName,
		winnt.FileObject.Names(in.DesiredAccess), c.Status)
	if c.Why.Explanation == nil {
		return
	}
	_, reason, _ := strings.Cut(c.Why.Explanation.Verdict(), ": ")
	fmt.Fprintf(t.out, "      because %s\n", reason)
	for _, s := range c.Why.Explanation.Steps {
		if s.ACE >= 0 && s.Bits != 0 && !s.Granted {
			fmt.Fprintf(t.out, "      %s entry %d: %s (rule %s)\n", s.List, s.ACE+1, s.Entry(), s.Rule)
		}
	}
}
