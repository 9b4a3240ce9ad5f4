package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// All tokens of a package have one number in each session. The session is that of the source token, not of the caller
// (T-69).
func TestPackageHasOneNumberPerSession(t *testing.T) {
	_, th, k := newProcess(t)
	numbers := map[string]uint32{}
	for _, c := range []struct {
		name    string
		session uint32
		pkg     string
	}{{"a", 1, "1"}, {"a", 1, "1"}, {"b", 2, "1"}, {"c", 1, "2"}, {"b", 2, "1"}, {"c", 1, "2"}} {
		spec := token.StandardUser(sid.MustParse(svc))
		spec.SessionID = c.session
		of := k.NewToken(check.Must(token.New(spec)))
		defer k.PsDereferencePrimaryToken(of)
		h := check.Result(k.ObOpenObjectByPointer(of, 0, winnt.TOKEN_DUPLICATE, winnt.TokenObject, kernel.KernelMode))
		out := check.Result(th.Services().NtCreateLowBoxToken(nt.CreateLowBoxTokenIn{ExistingTokenHandle: h,
			DesiredAccess: winnt.TOKEN_QUERY, PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-" + c.pkg))}))
		n := class[uint32](t, th, out.TokenHandle, winnt.TokenAppContainerNumber)
		check.Equal(t, class[uint32](t, th, out.TokenHandle, winnt.TokenSessionId), c.session,
			"%s: token is in session", c.name)
		if before, again := numbers[c.name]; again && before != n || n == 0 {
			t.Errorf("%s: package number %d, before %d, want the same number, not 0", c.name, n, before)
		}
		numbers[c.name] = n
	}
	check.That(t, numbers["a"] != numbers["b"] && numbers["a"] != numbers["c"],
		"package numbers %v, want a different one for a and b, and for a and c", numbers)
}

// NtCreateLowBoxToken refuses each of its lists if it cannot be read: before it checks the handle if the list's
// memory is invalid, otherwise after it (T-69).
func TestUnreadableLowBoxListIsRefused(t *testing.T) {
	th := newThread(t)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	in := nt.CreateLowBoxTokenIn{ExistingTokenHandle: own, PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"))}
	for name, mutate := range map[string]func(*nt.CreateLowBoxTokenIn, ntstatus.Status){
		"package":      func(in *nt.CreateLowBoxTokenIn, st ntstatus.Status) { in.PackageSID.Status = st },
		"capabilities": func(in *nt.CreateLowBoxTokenIn, st ntstatus.Status) { in.Capabilities.Status = st },
		"handles":      func(in *nt.CreateLowBoxTokenIn, st ntstatus.Status) { in.Handles.Status = st },
	} {
		for status, after := range map[ntstatus.Status]ntstatus.Status{
			ntstatus.AccessViolation: ntstatus.AccessViolation, unread(1): ntstatus.InvalidHandle} {
			one := in
			mutate(&one, status)
			want(t, name, check.Status(th.Services().NtCreateLowBoxToken(one)), status)
			one.ExistingTokenHandle = 0x7770
			want(t, name+" and the handle", check.Status(th.Services().NtCreateLowBoxToken(one)), after)
		}
	}
}

// An AppContainer token keeps no object that could hold the token: neither would ever end (T-69).
func TestLowBoxKeepsNoObjectThatCouldHoldIt(t *testing.T) {
	sys, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE))
	keeps := func(h winnt.Handle) ntstatus.Status {
		return check.Status(th.NtCreateLowBoxToken(own, winnt.TOKEN_QUERY, nil, sid.AppContainer("p"), nil,
			[]winnt.Handle{h}))
	}
	pipe := check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA,
		ObjectAttributes: nt.Cap(named(`\??\pipe\p`))}))
	port := check.Result(th.Services().NtCreatePort(nt.CreatePortIn{
		ObjectAttributes: nt.Cap(named(`\BaseNamedObjects\p`))}))
	_, _, before := sys.Counts()
	for name, h := range map[string]winnt.Handle{"process": winnt.NtCurrentProcess, "thread": winnt.NtCurrentThread,
		"job":  check.Result(th.NtCreateJobObject(winnt.JOB_OBJECT_ALL_ACCESS, nil)),
		"pipe": pipe, "port": port.PortHandle} {
		want(t, name, keeps(h), ntstatus.ObjectTypeMismatch)
	}
	_, _, after := sys.Counts()
	check.Equal(t, after, before+1, "references, with that of the handle of the job")
}

// An object whose handle was passed to NtCreateLowBoxToken lives until the token ends (T-69).
func TestLowBoxKeepsObjects(t *testing.T) {
	sys, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE))
	kept := check.Result(th.NtFilterToken(own, 0, nil, nil, nil))
	before, _, references := sys.Counts()
	check.Equal(t, check.Status(th.NtCreateLowBoxToken(own, winnt.TOKEN_QUERY, nil, sid.AppContainer("p"), nil,
		[]winnt.Handle{kept, kept, 0x7770})), ntstatus.InvalidHandle, "T-69: two handles and an invalid one")
	o, _, r := sys.Counts()
	check.Equal(t, [2]int64{o, r}, [2]int64{before, references}, "T-69: objects and references after the refusal")
	box, st := th.NtCreateLowBoxToken(own, winnt.TOKEN_QUERY, nil, sid.AppContainer("p"), nil, []winnt.Handle{kept})
	check.Require(t, st, ntstatus.Success, "NtCreateLowBoxToken")
	th.NtClose(kept)
	n, _, _ := sys.Counts()
	check.That(t, n == before+1, "T-69: %d objects after the handle was closed, want %d", n, before+1)
	th.NtClose(box)
	n, _, _ = sys.Counts()
	check.That(t, n == before-1, "T-69: %d objects after the token was closed, want %d", n, before-1)
}
