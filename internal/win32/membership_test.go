package win32_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// asked calls one of the three functions and returns its result; the result of a third type ends the test.
func asked(t *testing.T, w *win32.Thread, name string, in any) (bool, ntstatus.Status) {
	t.Helper()
	out, _, _, st := w.CallRow(win32.Table.Find(name), in)
	switch o := out.(type) {
	case win32.CheckTokenMembershipOut:
		return o.IsMember, st
	case win32.CheckTokenCapabilityOut:
		return o.HasCapability, st
	}
	t.Fatalf("%s gives %T", name, out)
	return false, st
}

// A token has the SIDs of its enabled groups (O-131, O-133).
func TestTokenIsMemberOfEnabledGroups(t *testing.T) {
	w, _ := thread(t)
	primary, ok := w.OpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
	if !ok {
		t.Fatal(w.LastError())
	}
	client, ok := w.DuplicateToken(primary, winnt.SecurityIdentification)
	if !ok {
		t.Fatal(w.LastError())
	}
	users, admins := sid.MustParse("S-1-5-32-545"), sid.MustParse("S-1-5-32-544")
	for _, c := range []struct {
		token winnt.Handle
		sid   nt.Captured[sid.SID]
		want  bool
		st    ntstatus.Status
	}{
		{0, nt.Cap(users), true, 0},
		{0, nt.Cap(admins), false, 0},
		{client, nt.Cap(users), true, 0},
		{client, nt.Cap(admins), false, 0},
		{primary, nt.Cap(users), false, ntstatus.NoImpersonationToken},
		{0x7FFFFFF0, nt.Cap(users), false, ntstatus.InvalidHandle},
		{client, nt.Captured[sid.SID]{Status: ntstatus.InvalidSID}, false, ntstatus.InvalidSID},
		{client, nt.Captured[sid.SID]{Status: ntstatus.AccessViolation}, false, ntstatus.AccessViolation},
	} {
		got, st := asked(t, w, "CheckTokenMembership", win32.CheckTokenMembershipIn{TokenHandle: c.token, SIDToCheck: c.sid})
		check.That(t, got == c.want && st == c.st,
			"%#x %v: %v, %v; want %v, %v", c.token, c.sid.V, got, st, c.want, c.st)
		// Without an AppContainer, flags change nothing (O-132).
		for _, flags := range []uint32{0, 1, 3} {
			got, st = asked(t, w, "CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: c.token,
				SIDToCheck: c.sid, Flags: flags})
			check.That(t, got == c.want && st == c.st,
				"flags %d, %#x %v: %v, %v; want %v, %v", flags, c.token, c.sid.V, got, st, c.want, c.st)
		}
	}
	if _, st := asked(t, w, "CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{SIDToCheck: nt.Cap(users),
		Flags: 4}); st != ntstatus.InvalidParameter {
		t.Errorf("a flag that is not defined: %v, want %v", st, ntstatus.InvalidParameter)
	}
	if user, st := w.CurrentUser(); st != 0 || user != sid.MustParse("S-1-5-21-1-2-3-1001") {
		t.Errorf("the user is %v, %v, want %v, 0", user, st, sid.MustParse("S-1-5-21-1-2-3-1001"))
	}
}

// boxed creates an AppContainer token with one capability from the token of the process.
func boxed(t *testing.T, w *win32.Thread, capability sid.SID) winnt.Handle {
	t.Helper()
	primary, ok := w.OpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
	if !ok {
		t.Fatal(w.LastError())
	}
	box, st := w.NT().NtCreateLowBoxToken(primary, winnt.TOKEN_ALL_ACCESS, nil, sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"),
		[]token.Group{{SID: capability, Attributes: winnt.SE_GROUP_ENABLED}}, nil)
	check.Require(t, st, 0, "NT")
	return box
}

// The token of an AppContainer (O-132, O-133).
func TestAppContainerTokenHasPackageMembership(t *testing.T) {
	w, _ := thread(t)
	internet, users := sid.MustParse("S-1-15-3-1"), sid.MustParse("S-1-5-32-545")
	box := boxed(t, w, internet)
	client, ok := w.DuplicateToken(box, winnt.SecurityImpersonation)
	if !ok {
		t.Fatal(w.LastError())
	}
	denied := check.Result(w.NT().NtFilterToken(box, 0, []sid.SID{users}, nil,
		nil)) // has Users for deny entries only
	limited, ok := w.DuplicateToken(denied, winnt.SecurityImpersonation)
	if !ok {
		t.Fatal(w.LastError())
	}
	for _, c := range []struct {
		what string
		in   any
		want bool
		st   ntstatus.Status
	}{
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{TokenHandle: box,
			CapabilitySIDToCheck: nt.Cap(internet)}, true, 0},
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{TokenHandle: box,
			CapabilitySIDToCheck: nt.Cap(users)}, false, 0},
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{CapabilitySIDToCheck: nt.Cap(internet)}, false, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: client, SIDToCheck: nt.Cap(users)}, false, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: client, SIDToCheck: nt.Cap(users),
			Flags: 1}, true, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: limited, SIDToCheck: nt.Cap(users),
			Flags: 1}, false, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: box, SIDToCheck: nt.Cap(users), Flags: 1},
			false, ntstatus.NoImpersonationToken},
	} {
		if got, st := asked(t, w, c.what, c.in); got != c.want || st != c.st {
			t.Errorf("%s %+v: %v, %v; want %v, %v", c.what, c.in, got, st, c.want, c.st)
		}
	}
}

// A program in an AppContainer passes no token. With the flag the function checks the groups alone, without it also
// the package (O-131, O-132, O-133).
func TestCheckTokenMembershipInAppContainer(t *testing.T) {
	own, sys := thread(t)
	internet, users := sid.MustParse("S-1-15-3-1"), sid.MustParse("S-1-5-32-545")
	box := boxed(t, own, internet)
	k := sys.KernelMode(own.NT())
	o, _, st := k.ObReferenceObjectByHandle(box, winnt.TOKEN_QUERY, winnt.TokenObject, kernel.UserMode)
	check.Require(t, st, 0, "ObReferenceObjectByHandle")
	v := o.(*kernel.AccessToken).Value()
	k.ObDereferenceObject(o)
	p := must(sys.NewProcess("contained", v))
	th := must(p.NewThread())
	w := win32.On(th)
	for _, c := range []struct {
		what string
		in   any
		want bool
	}{
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{CapabilitySIDToCheck: nt.Cap(internet)}, true},
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{CapabilitySIDToCheck: nt.Cap(users)}, false},
		{"CheckTokenMembership", win32.CheckTokenMembershipIn{SIDToCheck: nt.Cap(users)}, false},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{SIDToCheck: nt.Cap(users)}, false},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{SIDToCheck: nt.Cap(users), Flags: 1}, true},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{SIDToCheck: nt.Cap(internet), Flags: 1}, false},
	} {
		if got, st := asked(t, w, c.what, c.in); got != c.want || st != 0 {
			t.Errorf("%s %+v: %v, %v; want %v", c.what, c.in, got, st, c.want)
		}
	}
}

// The mask names the flags that change (O-31).
func TestSetHandleInformationChangesOnlyMask(t *testing.T) {
	w, _ := thread(t)
	h, ok := w.OpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	if !ok {
		t.Fatal(w.LastError())
	}
	row := win32.Table.Find("SetHandleInformation")
	for _, c := range []struct {
		mask, flags uint32
		want        nt.HandleFlagInformation
	}{
		{1, 3, nt.HandleFlagInformation{Inherit: true}},
		{2, 2, nt.HandleFlagInformation{Inherit: true, ProtectFromClose: true}},
		{0, 0, nt.HandleFlagInformation{Inherit: true, ProtectFromClose: true}},
		{3, 0, nt.HandleFlagInformation{}},
	} {
		in := win32.SetHandleInformationIn{Object: h, Mask: c.mask, Flags: c.flags}
		if _, ok, code, _ := w.CallRow(row, in); !ok {
			t.Errorf("%+v: %v", c, code)
		}
		if got, _ := w.NT().NtQueryObject(h, nt.ObjectHandleFlagInformation); got != c.want {
			t.Errorf("mask %d, flags %d: %+v, want %+v", c.mask, c.flags, got, c.want)
		}
	}
	in := win32.SetHandleInformationIn{Object: 0x7FFFFFF0, Mask: 1}
	if _, ok, _, st := w.CallRow(row, in); ok || st != ntstatus.InvalidHandle {
		t.Errorf("CheckTokenMembership of no handle: %v, want STATUS_INVALID_HANDLE", st)
	}
}

// O-131: the effective token is opened in the context of the process, so that it works for a client at the level
// Identification.
func TestCurrentUserWorksForIdentifiedClient(t *testing.T) {
	w, _, k := on(t, nt.Documented)
	for _, level := range []winnt.SecurityImpersonationLevel{winnt.SecurityIdentification,
		winnt.SecurityImpersonation} {
		spec := token.StandardUser(sid.MustParse(alice))
		spec.Type, spec.Level = winnt.TokenImpersonation, level
		v := must(token.New(spec))
		tok := k.CaptureToken(v, k.Thread())
		check.Success(t, k.PsImpersonateClient(k.Thread(), tok, false, false, level))
		k.PsDereferenceImpersonationToken(tok)
		if user, st := w.CurrentUser(); st != ntstatus.Success || user.String() != alice {
			t.Errorf("at %v: %v, %v, want %v, %v", level, user, st, alice, ntstatus.Success)
		}
	}
	k.PsRevertToSelf()
}
