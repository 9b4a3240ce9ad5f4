package nt_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
)

// pipePair is a server process with SeImpersonatePrivilege and a client of
// another user, with a thread each.
func pipePair(tb testing.TB) (sys *kernel.System, server, client *nt.Thread) {
	tb.Helper()
	sys = kernel.Boot(kernel.Config{})
	tb.Cleanup(func() {
		if err := sys.Close(); err != nil {
			tb.Error(err)
		}
	})
	thread := func(name, file string) *nt.Thread {
		tok, err := token.Parse([]byte(file))
		if err != nil {
			tb.Fatal(err)
		}
		p, err := sys.NewProcess(name, tok)
		if err != nil {
			tb.Fatal(err)
		}
		th, err := p.NewThread()
		if err != nil {
			tb.Fatal(err)
		}
		return th
	}
	server = thread("server", `{"user":"NS","groups":["WD","BU"],"privileges":["SeImpersonatePrivilege"]}`)
	client = thread("client", `{"user":"S-1-5-21-1-2-3-1107","groups":["WD","DU"]}`)
	return sys, server, client
}

var everyone = nt.PipeConfig{SecurityDescriptor: sddl.MustParse("O:NSG:NSD:(A;;FA;;;WD)")}
