package audit_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestEachElevationCauseAlone checks each cause of an unsafe elevation alone, at its bound (I-48, I-99).
func TestEachElevationCauseAlone(t *testing.T) {
	const tcb, debug = winnt.SeTcbPrivilege, winnt.SeDebugPrivilege
	process := specU()
	process.Privileges = tcb.Bit()
	for _, c := range []struct {
		name            string
		kernel, system  bool
		copyOnOpen      bool
		privileges      winnt.PrivilegeSet
		integrity       string
		primary         bool
		own, level      winnt.SecurityImpersonationLevel
		want, wantPrivs string
	}{
		{name: "the same token", kernel: true, privileges: tcb.Bit(), own: 2, level: 2},
		{name: "fewer privileges", kernel: true, own: 2, level: 2},
		{name: "a privilege", kernel: true, privileges: debug.Bit() | tcb.Bit(), own: 2, level: 2, want: "Privilege",
			wantPrivs: "SeDebugPrivilege"},
		{name: "a privilege, from user mode", privileges: debug.Bit(), own: 2, level: 2},
		{name: "a privilege, of a thread of the system", kernel: true, system: true, privileges: debug.Bit(), own: 2,
			level: 2},
		{name: "the next level of integrity", kernel: true, integrity: "S-1-16-8193", own: 2, level: 2, want: "Integrity",
			wantPrivs: "-"},
		{name: "less integrity", kernel: true, integrity: "S-1-16-8191", own: 2, level: 2},
		{name: "integrity, from user mode", integrity: "S-1-16-12288", own: 2, level: 2},
		{name: "a level below its own", own: 2, level: 1, want: "Level", wantPrivs: "-"},
		{name: "a level below its own, copied", copyOnOpen: true, own: 2, level: 1},
		{name: "a level above its own", own: 1, level: 2},
		{name: "a level below a delegation", own: 3, level: 2, want: "Level", wantPrivs: "-"},
		{name: "a level below that of a primary token", primary: true, level: 1, want: "Level", wantPrivs: "-"},
		{name: "the level of a primary token", primary: true, level: 2},
		{name: "all", kernel: true, privileges: debug.Bit(), integrity: "S-1-16-12288", own: 3, level: 0,
			want: "Privilege, Integrity, Level", wantPrivs: "SeDebugPrivilege"},
	} {
		client := specU()
		client.Privileges = c.privileges
		if c.integrity != "" {
			client.Integrity = sid.MustParse(c.integrity)
		}
		if !c.primary {
			client.Type, client.Level = winnt.TokenImpersonation, c.own
		}
		from := audit.Origin{Subject: access.Subject{Primary: mustToken(t, process)}}
		e, ok := audit.UnsafeElevation(from, audit.Elevation{KernelMode: c.kernel, SystemThread: c.system,
			CopyOnOpen: c.copyOnOpen, Level: c.level, Client: mustToken(t, client)})
		told := ok && field(t, e, "Cause") == c.want && field(t, e, "PrivilegeList") == c.wantPrivs
		if ok != (c.want != "") || ok && !told {
			t.Errorf("I-48, I-99: %s: %v %v", c.name, ok, slices.Collect(e.Fields()))
		}
	}
	for level, want := range []string{"%%1831", "%%1832", "%%1833", "%%1840", "-"} {
		e, ok := audit.UnsafeElevation(audit.Origin{Subject: access.Subject{Primary: tokenU(t)}}, audit.Elevation{
			KernelMode: true, Client: targetToken(t, winnt.SeDebugPrivilege.Bit(), 0),
			Level: winnt.SecurityImpersonationLevel(level)})
		if !ok || field(t, e, "ImpersonationLevel") != want {
			t.Errorf("U-57a: level %d: %v", level, slices.Collect(e.Fields()))
		}
	}
}
