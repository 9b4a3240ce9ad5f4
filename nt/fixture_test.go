package nt_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
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
	tb.Cleanup(func() { check.NoError(tb, sys.Close()) })
	thread := func(name, file string) *nt.Thread {
		tok := check.Must(token.Parse([]byte(file)))
		p := check.Must(sys.NewProcess(name, tok))
		return check.Must(p.NewThread())
	}
	server = thread("server", `{"user":"NS","groups":["WD","BU"],"privileges":["SeImpersonatePrivilege"]}`)
	client = thread("client", `{"user":"S-1-5-21-1-2-3-1107","groups":["WD","DU"]}`)
	return sys, server, client
}

// countsOf returns the numbers of objects, of handles and of references of a system.
func countsOf(sys *kernel.System) (n [3]int64) {
	n[0], n[1], n[2] = sys.Counts()
	return n
}

var everyone = nt.PipeConfig{SecurityDescriptor: sddl.MustParse("O:NSG:NSD:(A;;FA;;;WD)")}
