package nt_test

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// serve boots a kernel with a server and two files, one that its client may
// read and one that only the server may. client is a handle to the client's
// impersonation token, as an authentication service would give it.
func serve() (sys *kernel.System, th *nt.Thread, client winnt.Handle) {
	sys = kernel.Boot(kernel.Config{})
	own, _ := token.Parse([]byte(`{"user":"S-1-5-20","privileges":["SeImpersonatePrivilege"]}`))
	p, _ := sys.NewProcess("fileserver", own)
	th, _ = p.NewThread()
	_ = sys.CreateFile("report", sddl.MustParse("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)"))
	_ = sys.CreateFile("secret", sddl.MustParse("O:SYG:SYD:(A;;FR;;;S-1-5-20)"))

	alice, _ := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","type":"Impersonation"}`))
	k := sys.KernelMode(th)
	t := k.CaptureToken(alice, k.Thread())
	client, _ = k.ObOpenObjectByPointer(t, 0, winnt.TOKEN_IMPERSONATE, winnt.TokenObject, kernel.KernelMode)
	k.PsDereferenceImpersonationToken(t)
	return sys, th, client
}

// read opens a file with the identity the thread has now.
func read(th *nt.Thread, name string) error {
	h, st := th.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: name}, 0, 0)
	if err := st.Err(); err != nil {
		return err
	}
	return th.NtClose(h).Err()
}

func ExampleThread_Impersonate() {
	sys, th, client := serve()
	defer sys.Close()

	revert, err := th.Impersonate(client)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("as the client, report:", read(th, "report"))
	fmt.Println("as the client, secret is denied:", errors.Is(read(th, "secret"), fs.ErrPermission))
	revert()
	fmt.Println("as the server, secret:", read(th, "secret"))
	// Output:
	// as the client, report: <nil>
	// as the client, secret is denied: true
	// as the server, secret: <nil>
}

func ExampleThread_As() {
	sys, th, client := serve()
	defer sys.Close()

	err := th.As(client, func() error { return read(th, "secret") })
	fmt.Println("denied for the client:", errors.Is(err, fs.ErrPermission))
	// Output:
	// denied for the client: true
}
