package win32_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
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

// A client at identification level opens no token; its process can (I-22).
func TestThreadTokenIsOpenedAsSelf(t *testing.T) {
	w, _ := thread(t)
	check.That(t, w.ImpersonateSelf(winnt.SecurityIdentification), "ImpersonateSelf: %v", w.LastError())
	for _, asSelf := range []bool{true, false} {
		_, ok := w.OpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, asSelf)
		check.That(t, ok == asSelf, "opened as self %t: %t, %v", asSelf, ok, w.LastError())
	}
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
	// The code shows whether all were assigned (T-71).
	for p, want := range map[winnt.Privilege]win32.Code{winnt.SeShutdownPrivilege: 0, winnt.SeTcbPrivilege: 1300} {
		ok, code := adjust(p)
		check.That(t, ok && code == want, "adjusting %v: %v %v, want TRUE %v", p, ok, code, want)
	}
	d := duplicate(t, w, h, winnt.SecurityIdentification)
	out, ok := w.PrivilegeCheck(d,
		&nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeShutdownPrivilege.LUID()}}})
	check.That(t, ok && out.Result, "privilege check: %v %v %v, want true, true", ok, out.Result, w.LastError())
}

// Every function has a summary and conditions, and the document of its name.
func TestFunctionTableIsComplete(t *testing.T) {
	for row := range win32.Table.All {
		m := row.Info()
		check.That(t, m.Summary != "" && m.Document() == m.Name && len(m.Conditions) != 0,
			"row %s: want a summary, its own document and conditions, got %+v", m.Name, m)
		for _, c := range m.Conditions {
			check.That(t, c.Rule != "" && c.When != "", "row %s: condition %+v without a rule or a text", m.Name, c)
		}
		check.That(t, nt.NtTable.Find(m.Name) == nil, "%s is the name of a service too", m.Name)
	}
}
