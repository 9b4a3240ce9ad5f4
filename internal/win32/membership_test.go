package win32_test

import (
	"slices"
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

// call calls one of the three functions and returns its result; the result of a third type ends the test.
func call(t *testing.T, w *win32.Thread, name string, in any) (bool, ntstatus.Status) {
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

// question is a call of one of the three functions with its result.
type question struct {
	what string
	in   any
	want bool
	st   ntstatus.Status
}

// askAll checks the result of each question, and that the function lists a failure with its rule.
func askAll(t *testing.T, w *win32.Thread, questions []question) {
	t.Helper()
	for _, q := range questions {
		got, st := call(t, w, q.what, q.in)
		check.That(t, got == q.want && st == q.st, "%s %+v: %v, %v; want %v, %v", q.what, q.in, got, st, q.want, q.st)
		listed := slices.ContainsFunc(win32.Table.Find(q.what).Info().Conditions, func(c nt.Condition) bool {
			return c.Status == st
		})
		check.That(t, listed || st.IsSuccess(), "%s does not list %v", q.what, st)
	}
}

// A token has the SIDs of its enabled groups (O-131, O-133).
func TestTokenIsMemberOfEnabledGroups(t *testing.T) {
	w, _ := thread(t)
	primary := ownToken(t, w)
	client := duplicate(t, w, primary, winnt.SecurityIdentification)
	users, admins := sid.MustParse("S-1-5-32-545"), sid.MustParse("S-1-5-32-544")
	event := check.Result(w.NT().NtCreateEvent(1, nil, nt.NotificationEvent, false))
	silent, _ := w.DuplicateTokenEx(win32.DuplicateTokenExIn{ExistingToken: primary,
		DesiredAccess: winnt.TOKEN_DUPLICATE, TokenType: winnt.TokenImpersonation,
		ImpersonationLevel: winnt.SecurityIdentification})
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
		{client, nt.Cap(sid.SID{}), false, ntstatus.InvalidSID},
		{event, nt.Cap(users), false, ntstatus.ObjectTypeMismatch},
		{silent, nt.Cap(users), false, ntstatus.AccessDenied},
	} {
		askAll(t, w, []question{{"CheckTokenMembership", win32.CheckTokenMembershipIn{TokenHandle: c.token,
			SIDToCheck: c.sid}, c.want, c.st}})
		// Without an AppContainer, flags change nothing (O-132).
		for _, flags := range []uint32{0, 1, 3} {
			askAll(t, w, []question{{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: c.token,
				SIDToCheck: c.sid, Flags: flags}, c.want, c.st}})
		}
	}
	askAll(t, w, []question{{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{SIDToCheck: nt.Cap(users),
		Flags: 4}, false, ntstatus.InvalidParameter}})
	check.Equal(t, check.Result(w.CurrentUser()), sid.MustParse("S-1-5-21-1-2-3-1001"), "user")
	check.That(t, w.ImpersonateSelf(winnt.SecurityAnonymous), "%v", w.LastError())
	anonymous := win32.CheckTokenMembershipIn{SIDToCheck: nt.Cap(users)}
	askAll(t, w, []question{{"CheckTokenMembership", anonymous, false, ntstatus.CantOpenAnonymous}})
}

// boxed creates an AppContainer token with one capability from the token of the process.
func boxed(t *testing.T, w *win32.Thread, capability sid.SID) winnt.Handle {
	t.Helper()
	return check.Result(w.NT().NtCreateLowBoxToken(ownToken(t, w), winnt.TOKEN_ALL_ACCESS, nil,
		sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"), []token.Group{{SID: capability, Attributes: winnt.SE_GROUP_ENABLED}},
		nil))
}

// The token of an AppContainer (O-132, O-133).
func TestAppContainerTokenHasPackageMembership(t *testing.T) {
	w, _ := thread(t)
	internet, users := sid.MustParse("S-1-15-3-1"), sid.MustParse("S-1-5-32-545")
	box := boxed(t, w, internet)
	client := duplicate(t, w, box, winnt.SecurityImpersonation)
	denied := check.Result(w.NT().NtFilterToken(box, 0, []sid.SID{users}, nil, nil)) // Users for deny entries only
	limited := duplicate(t, w, denied, winnt.SecurityImpersonation)
	askAll(t, w, []question{
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{TokenHandle: box,
			CapabilitySIDToCheck: nt.Cap(internet)}, true, 0},
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{TokenHandle: box,
			CapabilitySIDToCheck: nt.Cap(users)}, false, 0},
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{CapabilitySIDToCheck: nt.Cap(internet)}, false, 0},
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{TokenHandle: 0x7FFFFFF0,
			CapabilitySIDToCheck: nt.Cap(users)}, false, ntstatus.InvalidHandle},
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{TokenHandle: box,
			CapabilitySIDToCheck: nt.Captured[sid.SID]{Status: ntstatus.InvalidSID}}, false, ntstatus.InvalidSID},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: client, SIDToCheck: nt.Cap(users)}, false, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: client, SIDToCheck: nt.Cap(users),
			Flags: 1}, true, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: limited, SIDToCheck: nt.Cap(users),
			Flags: 1}, false, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{TokenHandle: box, SIDToCheck: nt.Cap(users), Flags: 1},
			false, ntstatus.NoImpersonationToken},
	})
}

// A program in an AppContainer passes no token. With the flag the function checks the groups alone, without it also
// the package (O-131, O-132, O-133).
func TestCheckTokenMembershipInAppContainer(t *testing.T) {
	own, sys := thread(t)
	internet, users := sid.MustParse("S-1-15-3-1"), sid.MustParse("S-1-5-32-545")
	box := boxed(t, own, internet)
	k := sys.KernelMode(own.NT())
	o, _, st := k.ObReferenceObjectByHandle(box, winnt.TOKEN_QUERY, winnt.TokenObject, kernel.UserMode)
	check.Success(t, st)
	p := check.Must(sys.NewProcess("contained", o.(*kernel.AccessToken).Value()))
	k.ObDereferenceObject(o)
	w := win32.On(check.Must(p.NewThread()))
	askAll(t, w, []question{
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{CapabilitySIDToCheck: nt.Cap(internet)}, true, 0},
		{"CheckTokenCapability", win32.CheckTokenCapabilityIn{CapabilitySIDToCheck: nt.Cap(users)}, false, 0},
		{"CheckTokenMembership", win32.CheckTokenMembershipIn{SIDToCheck: nt.Cap(users)}, false, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{SIDToCheck: nt.Cap(users)}, false, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{SIDToCheck: nt.Cap(users), Flags: 1}, true, 0},
		{"CheckTokenMembershipEx", win32.CheckTokenMembershipExIn{SIDToCheck: nt.Cap(internet), Flags: 1}, false, 0},
	})
}

// O-131: the effective token is opened in the context of the process, so that it works for a client at the level
// Identification.
func TestCurrentUserWorksForIdentifiedClient(t *testing.T) {
	w, _, k := newThread(t, nt.Documented)
	for _, level := range []winnt.SecurityImpersonationLevel{winnt.SecurityIdentification,
		winnt.SecurityImpersonation} {
		spec := token.Administrator(sid.MustParse(alice)) // whose objects belong to another SID
		spec.Type, spec.Level = winnt.TokenImpersonation, level
		tok := k.CaptureToken(check.Must(token.New(spec)), k.Thread())
		check.Success(t, k.PsImpersonateClient(k.Thread(), tok, false, false, level))
		k.PsDereferenceImpersonationToken(tok)
		check.Equal(t, check.Result(w.CurrentUser()).String(), alice, "user at %v", level)
	}
	k.PsRevertToSelf()
}
