package kernel_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// mustToken parses a valid token file.
func mustToken(file string) *token.Token {
	t, err := token.Parse([]byte(file))
	if err != nil {
		log.Fatal(err)
	}
	return t
}

// start creates a process and its first thread.
func start(sys *kernel.System, name, file string) *nt.Thread {
	p, err := sys.NewProcess(name, mustToken(file))
	if err != nil {
		log.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		log.Fatal(err)
	}
	return th
}

// A server serves a client's requests as the client.
func Example_pipeServer() {
	sys := kernel.Boot(kernel.Config{})
	defer sys.Close()
	sys.CreateFile("report", sddl.MustParse("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-513)"))
	sys.CreateFile("payroll", sddl.MustParse("O:SYG:SYD:(D;;FR;;;S-1-5-21-1-2-3-513)(A;;FR;;;WD)"))

	server := start(sys, "server", `{"user":"NS","groups":["WD"],"privileges":["SeImpersonatePrivilege"]}`)
	alice := start(sys, "alice", `{"user":"S-1-5-21-1-2-3-1107","groups":["WD","DU"]}`)

	l, err := server.ListenPipe("files", nt.PipeConfig{Message: true,
		SecurityDescriptor: sddl.MustParse("O:NSG:NSD:(A;;0x12019b;;;WD)(A;;FA;;;NS)")})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.AcceptPipe()
		if err != nil {
			log.Fatal(err)
		}
		defer conn.Close()
		buf := make([]byte, 256)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return // the client has closed its end
			}
			fmt.Fprint(conn, serve(server, conn, string(buf[:n])))
		}
	}()

	// The client permits the server to impersonate it.
	conn, err := alice.DialPipe("files", &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation})
	if err != nil {
		log.Fatal(err)
	}
	buf := make([]byte, 256)
	for _, name := range []string{"report", "payroll"} {
		fmt.Fprint(conn, name)
		n, _ := conn.Read(buf)
		fmt.Printf("%s: %s\n", name, buf[:n])
	}
	conn.Close()
	<-done
	// Output:
	// report: opened
	// payroll: STATUS_ACCESS_DENIED (0xC0000022)
}

// serve opens a file as the client of a connection.
func serve(th *nt.Thread, conn *nt.PipeConn, name string) string {
	revert, err := conn.ImpersonateClient(th)
	if err != nil {
		return err.Error() // Stop here: to continue would be to open the file as the server.
	}
	defer revert()
	h, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: name}, 0, 0)
	if err := st.Err(); err != nil {
		return err.Error()
	}
	defer th.NtClose(h)
	return "opened"
}

// A thread acts with another token while a function runs. It reverts when the function returns.
func Example_as() {
	sys := kernel.Boot(kernel.Config{})
	defer sys.Close()
	sys.CreateFile("config", sddl.MustParse("O:NSG:NSD:(A;;FA;;;NS)"))
	th := start(sys, "server", `{"user":"NS","groups":["WD"],"privileges":["SeImpersonatePrivilege"]}`)

	// A handle to the client's token, such as a logon returns.
	k := sys.KernelMode(th)
	client := k.CaptureToken(mustToken(`{"user":"S-1-5-21-1-2-3-1107","type":"Impersonation"}`), k.Thread())
	defer k.PsDereferenceImpersonationToken(client)
	if st := k.PsImpersonateClient(k.Thread(), client, false, false, winnt.SecurityImpersonation); !st.IsSuccess() {
		log.Fatal(st)
	}
	h, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_IMPERSONATE|winnt.TOKEN_QUERY, false)
	if !st.IsSuccess() {
		log.Fatal(st)
	}
	k.PsRevertToSelf()

	open := func() error {
		_, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: "config"}, 0, 0)
		return st.Err()
	}
	err := th.As(h, open)
	fmt.Println("as the client:", err, errors.Is(err, fs.ErrPermission))
	fmt.Println("as the server:", open())
	// Output:
	// as the client: STATUS_ACCESS_DENIED (0xC0000022) true
	// as the server: <nil>
}
