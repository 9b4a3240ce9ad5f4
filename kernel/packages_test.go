package kernel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	pkgA = "S-1-15-2-1-2-3-4-5-6-7"
	pkgB = "S-1-15-2-7-6-5-4-3-2-1"
)

// boxed returns a thread of a new process in an AppContainer of the package, and the token of the process.
func boxed(t *testing.T, sys *kernel.System, pkg string, number uint32) (*nt.Thread, *token.Token) {
	t.Helper()
	full := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))))
	v := check.Result(full.LowBox(token.LowBoxSpec{Package: sid.MustParse(pkg), Number: number}))
	return check.Must(check.Must(sys.NewProcess("box", v)).NewThread()), v
}

// A package may create named objects in its own directory only. Another package may not open or create objects there
// (A-96, O-24).
func TestPackageDirectoryIsPrivate(t *testing.T) {
	sys := boot(t, kernel.Config{})
	a, tokenA := boxed(t, sys, pkgA, 1)
	b, _ := boxed(t, sys, pkgB, 2)
	dir, err := sys.MakePackageDirectory(tokenA)
	if want := `\Sessions\0\AppContainerNamedObjects\` + pkgA; err != nil || dir != want {
		t.Fatalf("MakePackageDirectory: %q, %v; want %q, nil", dir, err, want)
	}
	again, err := sys.MakePackageDirectory(tokenA)
	check.That(t, err == nil && again == dir, "second MakePackageDirectory: %q, %v; want %q, nil", again, err, dir)
	third := check.Must(sys.MakePackageDirectory(tokenA.WithSessionID(1, 3)))
	p := check.Must(sys.NewProcess("system", check.Must(token.New(token.LocalSystem()))))
	system := check.Must(p.NewThread())
	h := check.Result(system.NtOpenDirectoryObject(winnt.READ_CONTROL, &nt.ObjectAttributes{ObjectName: dir}))
	d := check.Result(system.NtQuerySecurityObject(h, winnt.OWNER_SECURITY_INFORMATION|winnt.GROUP_SECURITY_INFORMATION|
		winnt.DACL_SECURITY_INFORMATION|winnt.LABEL_SECURITY_INFORMATION))
	want := "O:S-1-5-21-1-2-3-1001G:SYD:"
	for _, who := range []string{"S-1-5-21-1-2-3-1001", pkgA, "SY", "BA"} {
		want += "(A;;0xf000f;;;" + who + ")(A;OICIIO;GA;;;" + who + ")"
	}
	labelled := sddl.MustParse(want + "S:(ML;;NW;;;LW)")
	check.Equal(t, check.Must(sddl.Format(d, sddl.Options{})), check.Must(sddl.Format(labelled, sddl.Options{})),
		"descriptor of the directory")
	check.Success(t, system.NtClose(h))
	for path, references := range map[string]uint32{dir: 2, third: 2,
		`\Sessions\0\AppContainerNamedObjects`: 3} { // and a child
		h := check.Result(system.NtOpenDirectoryObject(winnt.READ_CONTROL, &nt.ObjectAttributes{ObjectName: path}))
		basic := check.Result(system.NtQueryObject(h, nt.ObjectBasicInformation)).(nt.BasicInformation)
		check.Equal(t, basic.PointerCount, references, "references of %s", path)
		check.Success(t, system.NtClose(h)) // the name stays
	}
	name := &nt.ObjectAttributes{ObjectName: dir + `\ev`}
	check.Equal(t, check.Status(a.NtCreateEvent(winnt.EVENT_ALL_ACCESS, name, nt.NotificationEvent, false)),
		ntstatus.Success, "A-96: NtCreateEvent in the package's own directory")
	check.Equal(t, check.Status(a.NtOpenEvent(winnt.EVENT_MODIFY_STATE, name)), ntstatus.Success,
		"A-96: NtOpenEvent of its own event, which inherits the directory's entries")
	check.Equal(t, check.Status(b.NtOpenEvent(winnt.EVENT_QUERY_STATE, name)), ntstatus.AccessDenied,
		"A-96: another package opens the event")
	if _, st := b.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: dir + `\theirs`},
		nt.NotificationEvent, false); st != ntstatus.AccessDenied {
		t.Errorf("A-96: another package creates an event in the directory: %v, want %v", st, ntstatus.AccessDenied)
	}
	check.Equal(t, check.Status(a.NtCreateEvent(winnt.EVENT_ALL_ACCESS,
		&nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\ev`}, nt.NotificationEvent,
		false)), ntstatus.AccessDenied, `A-96: the package creates an event in \BaseNamedObjects`)
	plain := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))))
	check.That(t, check.Err(sys.MakePackageDirectory(plain)) != nil,
		"MakePackageDirectory for a token without an AppContainer: no error, want one")
}

// MakePackageDirectory fails with the path of an object that is not a directory.
func TestPackageDirectoryNeedsDirectories(t *testing.T) {
	const parent = `\Sessions\0\AppContainerNamedObjects`
	for _, path := range []string{parent, parent + `\` + pkgA} {
		sys := kernel.Boot(kernel.Config{})
		_, tok := boxed(t, sys, pkgA, 1)
		_, other := boxed(t, sys, pkgB, 2)
		if path != parent {
			check.NoError(t, check.Err(sys.MakePackageDirectory(other)))
		}
		th := check.Must(check.Must(sys.NewProcess("system", check.Must(token.New(token.LocalSystem())))).NewThread())
		check.Require(t, check.Status(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: path},
			nt.NotificationEvent, false)), ntstatus.Success, "NtCreateEvent")
		dir, err := sys.MakePackageDirectory(tok)
		check.That(t, dir == "" && errors.Is(err, ntstatus.ObjectTypeMismatch.Err()) && strings.Contains(err.Error(), path),
			"MakePackageDirectory where %s is an event: %q, %v, want an error with the path", path, dir, err)
		check.NoError(t, sys.Close())
	}
}
