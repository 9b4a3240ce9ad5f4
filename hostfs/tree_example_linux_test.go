package hostfs_test

import (
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A server reads a file as its client.
func Example() {
	dir, err := os.MkdirTemp("", "share")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := dir + "/plan.txt"
	if err := errors.Join(os.WriteFile(file, []byte("the plan\n"), 0o600), os.Chmod(file, 0o644)); err != nil {
		log.Fatal(err)
	}
	tree, err := hostfs.Open(hostfs.Config{Path: dir, Attribute: ntacl.Name, Missing: hostfs.SynthesiseMissing})
	if err != nil {
		log.Fatal(err)
	}
	sys := kernel.Boot(kernel.Config{})
	if err := sys.AddTree("share", tree); err != nil {
		log.Fatal(err)
	}
	service, err := token.New(token.LocalSystem())
	if err != nil {
		log.Fatal(err)
	}
	server, err := sys.NewProcess("server", service)
	if err != nil {
		log.Fatal(err)
	}
	th, err := server.NewThread()
	if err != nil {
		log.Fatal(err)
	}
	client, err := token.New(token.NetworkUser(sid.MustParse("S-1-5-21-1-2-3-1107")))
	if err != nil {
		log.Fatal(err)
	}
	err = sys.As(th, client, func() error {
		h, _, st := th.NtCreateFile(nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ,
			CreateDisposition: uint32(fileaccess.FileOpen), ShareAccess: uint32(fileaccess.ShareRead),
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\plan.txt`})})
		if err := st.Err(); err != nil {
			return err
		}
		defer th.NtClose(h)
		text, st := th.NtReadFileAt(h, 1<<20, 0)
		fmt.Printf("%s", text)
		return st.Err()
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(sys.Close(), tree.Close()); err != nil {
		log.Fatal(err)
	}
	// Output: the plan
}
