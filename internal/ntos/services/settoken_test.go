package services_test

import (
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// T-90: setting a fact looks at the class, its exact length, whether the value can be read, the
// handle, the length of a variable one, the privilege, and at last at the value.
func TestOrderOfSettingAToken(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	able, _ := w.thread(w.process("able", winnt.SeTcbPrivilege))
	unable, _ := w.thread(w.process("unable"))
	type setting struct {
		nt.SetInformationTokenIn
		th *nt.Thread
	}
	call := func(in setting) ntstatus.Status {
		if in.TokenHandle == 0 {
			var st ntstatus.Status
			in.TokenHandle, st = in.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
			want(t, "open the token", st, ntstatus.Success)
		}
		_, st := in.th.Services().NtSetInformationToken(in.SetInformationTokenIn)
		return st
	}
	class := rung[setting]{"the class", ntstatus.InvalidInfoClass,
		func(in *setting) { in.TokenInformationClass = winnt.TokenUser }}
	fault := rung[setting]{"reading", ntstatus.AccessViolation,
		func(in *setting) { in.TokenInformation.Status = ntstatus.AccessViolation }}
	handle := rung[setting]{"the handle", ntstatus.InvalidHandle, func(in *setting) { in.TokenHandle = 0x7770 }}
	privilege := rung[setting]{"the privilege", ntstatus.PrivilegeNotHeld, func(in *setting) { in.th = unable }}
	malformed := rung[setting]{"what was read", unread(1),
		func(in *setting) { in.TokenInformation.Status = unread(1) }}
	value := rung[setting]{"the value", ntstatus.InvalidParameter,
		func(in *setting) { in.TokenInformation.V = "text" }}
	fixed := setting{nt.SetInformationTokenIn{TokenInformationClass: winnt.TokenUIAccess,
		TokenInformation: nt.Cap[any](uint32(1)), TokenInformationLength: 4}, able}
	// The classes that may be set without a value of the right kind differ by their statuses: a fault
	// of reading and what is malformed are two states of one field, tried apart.
	ladder(t, "a class of fixed length", fixed, call, []rung[setting]{class,
		{"the length", ntstatus.InfoLengthMismatch, func(in *setting) { in.TokenInformationLength = 5 }},
		handle, privilege, malformed, value})
	ladder(t, "a class of fixed length that cannot be read", fixed, call, []rung[setting]{
		{"the length", ntstatus.InfoLengthMismatch, func(in *setting) { in.TokenInformationLength = 3 }}, fault, handle})
	list := []token.AttributeChange{{Operation: token.AttributeReplaceAll,
		Attribute: claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}}}
	variable := setting{nt.SetInformationTokenIn{TokenInformationClass: winnt.TokenSecurityAttributes,
		TokenInformation: nt.Cap[any](list), TokenInformationLength: 16}, able}
	short := rung[setting]{"the header", ntstatus.InfoLengthMismatch,
		func(in *setting) { in.TokenInformationLength = 15 }}
	ladder(t, "a class of variable length", variable, call, []rung[setting]{class, handle, short, privilege, malformed,
		value})
	ladder(t, "a class of variable length that cannot be read", variable, call, []rung[setting]{fault, handle, short})
	missing := fixed
	missing.TokenInformation.V = nil
	want(t, "no value", call(missing), ntstatus.AccessViolation)
	missing.TokenInformationLength = ^uint32(0)
	want(t, "no value of natural length", call(missing), ntstatus.AccessViolation)
	for length, wanted := range map[uint32]ntstatus.Status{0: ntstatus.InfoLengthMismatch, 15: ntstatus.InfoLengthMismatch,
		16: ntstatus.Success, 17: ntstatus.Success, ^uint32(0): ntstatus.Success} {
		variable.TokenInformationLength = length
		want(t, "a variable length", call(variable), wanted)
	}
	empty := variable
	empty.TokenInformation.V, empty.TokenInformationLength = nil, 0
	want(t, "nothing of length 0 is too short, not unreadable", call(empty), ntstatus.InfoLengthMismatch)
}

// T-90: each of the flags about child processes is set by itself and told by itself, none is
// taken away, and there are three.
func TestChildProcessFlags(t *testing.T) {
	for _, flags := range []uint32{nt.ChildProcessNone, nt.ChildProcessAudit, nt.ChildProcessSecureToo,
		nt.ChildProcessNone | nt.ChildProcessAudit, nt.ChildProcessAudit | nt.ChildProcessSecureToo, 0} {
		w := newWorld(t, kernel.Config{})
		th, _ := w.thread(w.process("p"))
		own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
		want(t, "open the token", st, ntstatus.Success)
		before := class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics)
		want(t, "set the flags", th.NtSetInformationToken(own, winnt.TokenChildProcessFlags, flags), ntstatus.Success)
		if got := class[uint32](t, th, own, winnt.TokenChildProcessFlags); got != flags {
			t.Errorf("flags %#x: %#x are told", flags, got)
		}
		if after := class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics); before != after {
			t.Errorf("flags %#x: the token was %+v, is %+v", flags, before, after)
		}
		wanted := ntstatus.InvalidParameter
		if flags == 0 {
			wanted = ntstatus.Success
		}
		want(t, "take them away", th.NtSetInformationToken(own, winnt.TokenChildProcessFlags, uint32(0)), wanted)
		want(t, "another flag", th.NtSetInformationToken(own, winnt.TokenChildProcessFlags, flags|8),
			ntstatus.InvalidParameter)
	}
}

// T-60, T-67: of the nine lists each that cannot be read, and each that holds what is no SID, is
// refused after the handle, by a handle and by reference; a list that is not given restricts
// nothing, and an empty one everything.
func TestListsOfAFilter(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	spec := token.StandardUser(sid.MustParse(svc))
	set, err := claims.NewSet([]claims.Attribute{{Name: "c", Type: claims.Uint64, Uints: []uint64{1}}})
	if err != nil {
		t.Fatal(err)
	}
	spec.UserClaims, spec.DeviceClaims = set, set
	v, err := token.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	p := w.with("p", v)
	th, k := w.thread(p)
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	want(t, "open the token", st, ntstatus.Success)
	none := nt.Cap([]token.Group{{}})
	for name, c := range map[string]struct {
		change func(*nt.FilterTokenExIn, ntstatus.Status)
		noSID  func(*nt.FilterTokenExIn)
	}{
		"SIDs": {func(in *nt.FilterTokenExIn, st ntstatus.Status) { in.SIDsToDisable.Status = st },
			func(in *nt.FilterTokenExIn) { in.SIDsToDisable = none }},
		"privileges": {func(in *nt.FilterTokenExIn, st ntstatus.Status) { in.PrivilegesToDelete.Status = st }, nil},
		"restricting": {func(in *nt.FilterTokenExIn, st ntstatus.Status) { in.RestrictedSIDs.Status = st },
			func(in *nt.FilterTokenExIn) { in.RestrictedSIDs = none }},
		"user claims":   {func(in *nt.FilterTokenExIn, st ntstatus.Status) { in.UserClaimsToDisable.Status = st }, nil},
		"device claims": {func(in *nt.FilterTokenExIn, st ntstatus.Status) { in.DeviceClaimsToDisable.Status = st }, nil},
		"device groups": {func(in *nt.FilterTokenExIn, st ntstatus.Status) { in.DeviceGroupsToDisable.Status = st },
			func(in *nt.FilterTokenExIn) { in.DeviceGroupsToDisable = none }},
		"restricted user": {func(in *nt.FilterTokenExIn, st ntstatus.Status) {
			in.RestrictedUserAttributes.Status = st
		}, nil},
		"restricted device": {func(in *nt.FilterTokenExIn, st ntstatus.Status) {
			in.RestrictedDeviceAttributes.Status = st
		}, nil},
		"restricted groups": {func(in *nt.FilterTokenExIn, st ntstatus.Status) { in.RestrictedDeviceGroups.Status = st },
			func(in *nt.FilterTokenExIn) { in.RestrictedDeviceGroups = none }},
	} {
		ask := func(spoil func(*nt.FilterTokenExIn), wanted, after ntstatus.Status) {
			t.Helper()
			in := nt.FilterTokenExIn{ExistingTokenHandle: own}
			spoil(&in)
			_, st := th.Services().NtFilterTokenEx(in)
			want(t, name, st, wanted)
			in.ExistingTokenHandle = 0x7770
			_, st = th.Services().NtFilterTokenEx(in)
			want(t, name+" and the handle", st, after)
		}
		ask(func(in *nt.FilterTokenExIn) { c.change(in, unread(1)) }, unread(1), ntstatus.InvalidHandle)
		ask(func(in *nt.FilterTokenExIn) { c.change(in, ntstatus.AccessViolation) }, ntstatus.AccessViolation,
			ntstatus.AccessViolation)
		if c.noSID != nil {
			ask(c.noSID, ntstatus.InvalidSID, ntstatus.InvalidHandle)
		}
	}
	for name, in := range map[string]nt.FilterTokenExIn{
		"none": {}, "empty": {RestrictedUserAttributes: nt.Cap([]claims.Attribute{}),
			RestrictedDeviceAttributes: nt.Cap([]claims.Attribute{})},
		"user":   {RestrictedUserAttributes: nt.Cap([]claims.Attribute{})},
		"device": {RestrictedDeviceAttributes: nt.Cap([]claims.Attribute{})},
	} {
		in.ExistingTokenHandle = own
		in.RestrictedSIDs = nt.Cap([]token.Group{{SID: sid.Everyone}})
		out, st := th.Services().NtFilterTokenEx(in)
		want(t, name, st, ntstatus.Success)
		object, _, st := k.ObReferenceObjectByHandle(out.NewTokenHandle, 0, winnt.TokenObject, kernel.KernelMode)
		want(t, "reference", st, ntstatus.Success)
		spec := object.(*kernel.AccessToken).Value().Spec()
		if user, device := spec.RestrictedUserClaims != nil, spec.RestrictedDeviceClaims != nil; user !=
			(in.RestrictedUserAttributes.V != nil) || device != (in.RestrictedDeviceAttributes.V != nil) {
			t.Errorf("%s: user claims are restricted: %v, device claims: %v", name, user, device)
		}
		k.ObDereferenceObject(object)
	}
	object := k.NewToken(v)
	defer k.PsDereferencePrimaryToken(object)
	for name, c := range map[string]struct {
		in   kernel.SeFilterTokenIn
		want ntstatus.Status
	}{
		"SIDs":        {kernel.SeFilterTokenIn{SIDsToDisable: none}, ntstatus.InvalidSID},
		"restricting": {kernel.SeFilterTokenIn{RestrictedSIDs: none}, ntstatus.InvalidSID},
		"unread": {kernel.SeFilterTokenIn{PrivilegesToDelete: nt.Captured[[]nt.LUIDAndAttributes]{Status: unread(1)}},
			unread(1)},
		"flags": {kernel.SeFilterTokenIn{Flags: 0x10}, ntstatus.InvalidParameter},
	} {
		c.in.ExistingToken = object
		_, st := k.SeFilterToken(c.in)
		want(t, "by reference: "+name, st, c.want)
	}
}
