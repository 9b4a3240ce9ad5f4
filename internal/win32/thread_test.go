package win32_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func Example() {
	sys := kernel.Boot(kernel.Config{})
	defer sys.Close()
	user, _ := token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	p, _ := sys.NewProcess("program", user)
	th, _ := p.NewThread()

	w := win32.On(th)
	w.ImpersonateSelf(winnt.SecurityAnonymous)
	if _, ok := w.OpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true); !ok {
		fmt.Println(w.LastError())
	}
	fmt.Println(w.RevertToSelf())
	// Output:
	// ERROR_CANT_OPEN_ANONYMOUS (1347)
	// true
}

// O-70: functions that succeed leave the last error alone, except
// AdjustTokenPrivileges, which always sets it.
func TestSuccessKeepsLastError(t *testing.T) {
	w, _ := thread(t, winnt.SeShutdownPrivilege)
	if _, ok := w.OpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, false); ok || w.LastError() != 1008 {
		t.Fatalf("ok %v, last error %v, want ERROR_NO_TOKEN", ok, w.LastError())
	}
	h, ok := w.OpenProcessToken(winnt.NtCurrentProcess,
		winnt.TOKEN_ADJUST_PRIVILEGES|winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
	if !ok || w.LastError() != 1008 {
		t.Fatalf("ok %v, last error %v, want the former one", ok, w.LastError())
	}
	adjust := func(p winnt.Privilege) (bool, win32.Code) {
		_, ok := w.AdjustTokenPrivileges(win32.AdjustTokenPrivilegesIn{TokenHandle: h, BufferLength: 1 << 10,
			NewState: nt.Cap([]nt.LUIDAndAttributes{{LUID: p.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}})})
		return ok, w.LastError()
	}
	if ok, code := adjust(winnt.SeShutdownPrivilege); !ok || code != 0 {
		t.Errorf("held: %v %v, want TRUE ERROR_SUCCESS", ok, code)
	}
	if ok, code := adjust(winnt.SeTcbPrivilege); !ok || code != 1300 {
		t.Errorf("not held: %v %v, want TRUE ERROR_NOT_ALL_ASSIGNED", ok, code) // T-71
	}
	d, ok := w.DuplicateToken(h, winnt.SecurityIdentification)
	if !ok {
		t.Fatal(w.LastError())
	}
	out, ok := w.PrivilegeCheck(d,
		&nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeShutdownPrivilege.LUID()}}})
	if !ok || !out.Result {
		t.Errorf("privilege check: %v %v %v, want true, true", ok, out.Result, w.LastError())
	}
}

// Every function has a summary, a source and conditions, and no parameter
// without a documented name.
func TestFunctionTableIsComplete(t *testing.T) {
	for row := range win32.Table.All {
		if m := row.Info(); m.Summary == "" || m.Source == "" || len(m.Conditions) == 0 {
			t.Errorf("row %s: want a summary, a source and conditions, got %+v", m.Name, m)
		}
		if nt.NtTable.Find(row.Info().Name) != nil {
			t.Errorf("%s is the name of a service too", row.Info().Name)
		}
	}
}
