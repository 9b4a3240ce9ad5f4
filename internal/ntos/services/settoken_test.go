package services_test

import (
	"math/bits"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A set call checks the class, the exact length, whether the value can be read, the handle, the length of a variable
// value, the privilege, and finally the value (T-90).
func TestSetTokenErrorsComeInOrder(t *testing.T) {
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
		return check.Status(in.th.Services().NtSetInformationToken(in.SetInformationTokenIn))
	}
	class := rung[setting]{"the class", ntstatus.InvalidInfoClass,
		func(in *setting) { in.TokenInformationClass = winnt.TokenUser }}
	fault := rung[setting]{"reading", ntstatus.AccessViolation,
		func(in *setting) { in.TokenInformation.Status = ntstatus.AccessViolation }}
	handle := rung[setting]{"the handle", ntstatus.InvalidHandle, func(in *setting) { in.TokenHandle = 0x7770 }}
	privilege := rung[setting]{"the privilege", ntstatus.PrivilegeNotHeld, func(in *setting) { in.th = unable }}
	malformed := rung[setting]{"unreadable", unread(1), func(in *setting) { in.TokenInformation.Status = unread(1) }}
	value := rung[setting]{"the value", ntstatus.InvalidParameter, func(in *setting) { in.TokenInformation.V = "text" }}
	fixed := setting{nt.SetInformationTokenIn{TokenInformationClass: winnt.TokenUIAccess,
		TokenInformation: nt.Cap[any](uint32(1)), TokenInformationLength: 4}, able}
	// For a class without a valid value, unreadable and malformed input are two states of one field, so they are
	// tested separately.
	ladder(t, "a class of fixed length", fixed, call, []rung[setting]{class,
		{"the length", ntstatus.InfoLengthMismatch, func(in *setting) { in.TokenInformationLength = 5 }},
		handle, privilege, malformed, value})
	ladder(t, "a class of fixed length that cannot be read", fixed, call, []rung[setting]{
		{"the length", ntstatus.InfoLengthMismatch, func(in *setting) { in.TokenInformationLength = 3 }}, fault, handle})
	list := []token.AttributeChange{{Operation: token.AttributeReplaceAll,
		Attribute: claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}}}
	variable := setting{nt.SetInformationTokenIn{TokenInformationClass: winnt.TokenSecurityAttributes,
		TokenInformation: nt.Cap[any](list), TokenInformationLength: 16}, able}
	short := rung[setting]{"the header", ntstatus.InfoLengthMismatch, func(in *setting) { in.TokenInformationLength = 15 }}
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

// Each of the three flags about child processes is set and returned independently, and none can be cleared (T-90).
func TestChildProcessFlagsAreNeverCleared(t *testing.T) {
	for _, flags := range []uint32{nt.ChildProcessNone, nt.ChildProcessAudit, nt.ChildProcessSecureToo,
		nt.ChildProcessNone | nt.ChildProcessAudit, nt.ChildProcessAudit | nt.ChildProcessSecureToo, 0} {
		w := newWorld(t, kernel.Config{})
		th, _ := w.thread(w.process("p"))
		own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
		before := class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics)
		want(t, "set the flags", th.NtSetInformationToken(own, winnt.TokenChildProcessFlags, flags), ntstatus.Success)
		check.Equal(t, class[uint32](t, th, own, winnt.TokenChildProcessFlags), flags,
			"token with child process flags %#x: query returns", flags)
		after := class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics)
		check.That(t, before == after,
			"setting child process flags %#x: token statistics %+v, want %+v unchanged", flags, after, before)
		wanted := ntstatus.InvalidParameter
		if flags == 0 {
			wanted = ntstatus.Success
		}
		want(t, "take them away", th.NtSetInformationToken(own, winnt.TokenChildProcessFlags, uint32(0)), wanted)
		want(t, "another flag", th.NtSetInformationToken(own, winnt.TokenChildProcessFlags, flags|8),
			ntstatus.InvalidParameter)
	}
}

// Each of the nine lists is refused after the handle if it is unreadable or contains an invalid SID, by handle and by
// reference. A missing list restricts nothing, and an empty list restricts everything (T-60, T-67).
func TestFilterRefusesUnreadableLists(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	spec := token.StandardUser(sid.MustParse(svc))
	set := check.Must(claims.NewSet([]claims.Attribute{{Name: "c", Type: claims.Uint64, Uints: []uint64{1}}}))
	spec.UserClaims, spec.DeviceClaims = set, set
	v := check.Must(token.New(spec))
	p := w.with("p", v)
	th, k := w.thread(p)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
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
		ask := func(mutate func(*nt.FilterTokenExIn), wanted, after ntstatus.Status) {
			t.Helper()
			in := nt.FilterTokenExIn{ExistingTokenHandle: own}
			mutate(&in)
			want(t, name, check.Status(th.Services().NtFilterTokenEx(in)), wanted)
			in.ExistingTokenHandle = 0x7770
			want(t, name+" and the handle", check.Status(th.Services().NtFilterTokenEx(in)), after)
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
		out := check.Result(th.Services().NtFilterTokenEx(in))
		object, _, st := k.ObReferenceObjectByHandle(out.NewTokenHandle, 0, winnt.TokenObject, kernel.KernelMode)
		want(t, "reference", st, ntstatus.Success)
		spec := object.(*kernel.AccessToken).Value().Spec()
		user, device := spec.RestrictedUserClaims != nil, spec.RestrictedDeviceClaims != nil
		check.That(t, user == (in.RestrictedUserAttributes.V != nil) && device == (in.RestrictedDeviceAttributes.V != nil),
			"%s: user claims restricted %v, device claims restricted %v, want %v, %v", name, user, device,
			in.RestrictedUserAttributes.V != nil, in.RestrictedDeviceAttributes.V != nil)
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
		want(t, "by reference: "+name, check.Status(k.SeFilterToken(c.in)), c.want)
	}
}

// settable is a class that can be set, with its requirements as chapter 20, section 11 lists them.
type settable struct {
	right     winnt.AccessMask
	privilege winnt.Privilege
	length    uint32 // the one length of a fixed class, the least of a variable one
	variable  bool
	keeps     bool // ModifiedId
	value     any  // that fits
	wrong     any  // of the right kind, and not fitting; nil: each fits
	refusal   ntstatus.Status
}

var settables = map[winnt.TokenInfoClass]settable{
	winnt.TokenOwner: {length: 8, variable: true, value: sid.MustParse(client), wrong: sid.LocalSystem,
		refusal: ntstatus.InvalidOwner},
	winnt.TokenPrimaryGroup: {length: 8, variable: true, value: sid.Everyone, wrong: sid.LocalSystem,
		refusal: ntstatus.InvalidPrimaryGroup},
	winnt.TokenDefaultDacl: {length: 8, variable: true, value: (*sd.ACL)(nil)},
	winnt.TokenSessionId: {right: winnt.TOKEN_ADJUST_SESSIONID, privilege: winnt.SeTcbPrivilege, length: 4,
		value: uint32(7)},
	winnt.TokenSessionReference: {privilege: winnt.SeTcbPrivilege, length: 4, keeps: true, value: uint32(0),
		wrong: uint32(1), refusal: ntstatus.InvalidParameter},
	winnt.TokenAuditPolicy: {privilege: winnt.SeTcbPrivilege, length: 30, keeps: true, value: make([]byte, 30),
		wrong: make([]byte, 29), refusal: ntstatus.InvalidParameter},
	winnt.TokenOrigin: {privilege: winnt.SeTcbPrivilege, length: 8, value: winnt.LUID(77)},
	winnt.TokenVirtualizationAllowed: {privilege: winnt.SeCreateTokenPrivilege, length: 4, keeps: true,
		value: uint32(1), wrong: uint32(2), refusal: ntstatus.InvalidParameter},
	winnt.TokenVirtualizationEnabled: {length: 4, keeps: true, value: uint32(1), wrong: uint32(2),
		refusal: ntstatus.InvalidParameter},
	winnt.TokenIntegrityLevel: {length: 16, variable: true, value: sid.LowLevel, wrong: sid.Everyone,
		refusal: ntstatus.InvalidParameter},
	winnt.TokenUIAccess: {privilege: winnt.SeTcbPrivilege, length: 4, keeps: true, value: uint32(1),
		wrong: uint32(2), refusal: ntstatus.InvalidParameter},
	winnt.TokenMandatoryPolicy: {privilege: winnt.SeTcbPrivilege, length: 4, value: uint32(1), wrong: uint32(4),
		refusal: ntstatus.InvalidParameter},
	winnt.TokenSecurityAttributes: {privilege: winnt.SeTcbPrivilege, length: 16, variable: true, keeps: true,
		value: []token.AttributeChange{{Operation: token.AttributeReplaceAll,
			Attribute: claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}}},
		wrong: []token.AttributeChange{{Operation: 99}}, refusal: ntstatus.InvalidParameter},
	winnt.TokenPrivateNameSpace: {privilege: winnt.SeTcbPrivilege, length: 4, keeps: true, value: uint32(1),
		wrong: uint32(2), refusal: ntstatus.InvalidParameter},
	winnt.TokenBnoIsolation: {privilege: winnt.SeTcbPrivilege, length: 16, keeps: true,
		value: nt.TokenBnoIsolation{IsolationEnabled: true, IsolationPrefix: "x"},
		wrong: nt.TokenBnoIsolation{IsolationPrefix: "x"}, refusal: ntstatus.InvalidParameter},
	winnt.TokenChildProcessFlags: {length: 4, keeps: true, value: nt.ChildProcessNone, wrong: uint32(8),
		refusal: ntstatus.InvalidParameter},
}

// Each settable class requires exactly its own length, right and privilege. It rejects an invalid value without a
// change. A valid change assigns a new ModifiedId or keeps it, as the table says (T-90).
func TestSettableClassesHaveTheirRequirements(t *testing.T) {
	var all []winnt.Privilege
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		all = append(all, p)
	}
	w := newWorld(t, kernel.Config{})
	plain, k := w.thread(w.process("plain", winnt.SeSecurityPrivilege)) // which the query of the audit policy needs
	for c := range winnt.MaxTokenInfoClass + 2 {
		row, known := settables[c]
		if c == winnt.TokenLinkedToken {
			continue // TestLinkNeedsAPair and its like
		}
		name := c.String()
		spec := token.StandardUser(sid.MustParse(client))
		if c == winnt.TokenVirtualizationEnabled {
			spec.Flags |= winnt.TOKEN_VIRTUALIZE_ALLOWED
		}
		tok := k.NewToken(check.Must(token.New(spec)))
		defer k.PsDereferencePrimaryToken(tok)
		open := func(by *nt.Thread, rights winnt.AccessMask) winnt.Handle {
			return check.Result(w.sys.KernelMode(by).ObOpenObjectByPointer(tok, 0, rights, winnt.TokenObject, kernel.KernelMode))
		}
		set := func(by *nt.Thread, rights winnt.AccessMask, length uint32, value any, wanted ntstatus.Status) {
			t.Helper()
			before := tok.Value()
			_, st := by.Services().NtSetInformationToken(nt.SetInformationTokenIn{TokenHandle: open(by, rights),
				TokenInformationClass: c, TokenInformation: nt.Cap(value), TokenInformationLength: length})
			want(t, name, st, wanted)
			if after := tok.Value(); st != ntstatus.Success && before != after {
				t.Errorf("%s: the refused call (%v) changed the token, want no change", name, st)
			} else if kept := before.ModifiedID() == after.ModifiedID(); st == ntstatus.Success && kept != row.keeps {
				t.Errorf("%s: ModifiedId is unchanged = %v, want %v", name, kept, row.keeps)
			}
		}
		if !known {
			set(plain, winnt.TOKEN_QUERY, 4, uint32(0), ntstatus.InvalidInfoClass)
			continue
		}
		need := winnt.TOKEN_ADJUST_DEFAULT | row.right
		own, other := plain, plain
		if row.privilege != 0 {
			var rest []winnt.Privilege
			for _, p := range all {
				if p != row.privilege {
					rest = append(rest, p)
				}
			}
			own, _ = w.thread(w.process("own", row.privilege))
			other, _ = w.thread(w.process("other", rest...))
		}
		for left := need; left != 0; left &= left - 1 {
			bit := winnt.AccessMask(1) << bits.TrailingZeros32(uint32(left))
			set(plain, winnt.TOKEN_ALL_ACCESS&^bit, row.length, row.value, ntstatus.AccessDenied)
		}
		set(plain, need, row.length-1, row.value, ntstatus.InfoLengthMismatch)
		if !row.variable {
			set(plain, need, row.length+1, row.value, ntstatus.InfoLengthMismatch)
			set(plain, need, 0, row.value, ntstatus.InfoLengthMismatch)
		}
		if row.privilege != 0 {
			set(other, need, row.length, row.value, ntstatus.PrivilegeNotHeld)
		}
		set(own, need, row.length, struct{}{}, ntstatus.InvalidParameter)
		if row.wrong != nil {
			set(own, need, row.length, row.wrong, row.refusal)
		}
		set(own, need, row.length, row.value, ntstatus.Success)
		if got, st := plain.NtQueryInformationToken(open(plain, winnt.TOKEN_QUERY), c); st == ntstatus.Success {
			if g, ok := got.(token.Group); ok {
				got = g.SID
			}
			if list, ok := got.([]claims.Attribute); ok && len(list) == 1 {
				got, row.value = list[0].Name, "a"
			}
			check.DeepEqual(t, got, row.value, "%s: query after setting %v", name, row.value)
		} else if st != ntstatus.InvalidInfoClass {
			t.Errorf("%s: query of a class that can only be set: %v, want %v", name, st, ntstatus.InvalidInfoClass)
		}
	}
}

// systemToken returns a thread whose process may set each class, and a handle of its token.
func systemToken(t *testing.T) (*nt.Thread, winnt.Handle) {
	t.Helper()
	s := token.LocalSystem()
	s.EnabledPrivileges = s.Privileges
	s.OriginatingLogon = 0
	_, th := userThread(t, s)
	return th, check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
}

// A SID that is zero, a link to a value of another type, and virtualization of a token that does not allow it are
// rejected (T-90).
func TestSetTokenRejectsInvalidValue(t *testing.T) {
	th, h := systemToken(t)
	for _, class := range []winnt.TokenInfoClass{winnt.TokenOwner, winnt.TokenPrimaryGroup, winnt.TokenIntegrityLevel} {
		check.Equal(t, th.NtSetInformationToken(h, class, sid.SID{}), ntstatus.InvalidSID,
			"T-90: setting %s to the zero SID", class)
		check.Equal(t, th.NtSetInformationToken(h, class, token.Group{}), ntstatus.InvalidSID,
			"T-90: setting %s to a group without SID", class)
	}
	check.Equal(t, th.NtSetInformationToken(h, winnt.TokenLinkedToken, struct{}{}), ntstatus.InvalidParameter,
		"T-90: setting TokenLinkedToken to a value of another type")
	check.Equal(t, th.NtSetInformationToken(h, winnt.TokenVirtualizationEnabled, uint32(1)), ntstatus.InvalidParameter,
		"T-90: enabling virtualization that the token does not allow")
}

// Without SeTcbPrivilege a token's integrity can be lowered or kept but not raised, not even to the caller's own
// level (T-90).
func TestIntegrityIsRaisedOnlyWithTcb(t *testing.T) {
	for _, held := range []bool{true, false} {
		for before, levels := range map[sid.SID]map[sid.SID]bool{ // free or not
			sid.LowLevel:    {sid.UntrustedLevel: true, sid.LowLevel: true, sid.MediumLevel: false, sid.SystemLevel: false},
			sid.MediumLevel: {sid.LowLevel: true, sid.MediumLevel: true, sid.HighLevel: false},
		} {
			for level, free := range levels {
				th, own := systemToken(t)
				h, st := th.NtDuplicateToken(own, winnt.TOKEN_ALL_ACCESS, nil, false, winnt.TokenPrimary)
				if st == ntstatus.Success {
					st = th.NtSetInformationToken(h, winnt.TokenIntegrityLevel, token.Group{SID: before, Attributes: 0x60})
				}
				check.Success(t, st)
				if !held {
					th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: winnt.SeTcbPrivilege.LUID()}}, false)
				}
				want, after := ntstatus.Success, level
				if !free && !held {
					want, after = ntstatus.PrivilegeNotHeld, before
				}
				st = th.NtSetInformationToken(h, winnt.TokenIntegrityLevel, token.Group{SID: level, Attributes: 0x60})
				now, _ := th.NtQueryInformationToken(h, winnt.TokenIntegrityLevel)
				check.That(t, st == want && now.(token.Group).SID == after,
					"%v to %v, SeTcbPrivilege held %t: %v and level %v, want %v and %v", before, level, held, st, now, want, after)
			}
		}
	}
}

// The handle of the token to link requires TOKEN_DUPLICATE, regardless of other rights. It is checked before the link
// (T-90).
func TestSetLinkedNeedsDuplicate(t *testing.T) {
	th, h := systemToken(t)
	for right, want := range map[winnt.AccessMask]ntstatus.Status{
		winnt.TOKEN_QUERY: ntstatus.AccessDenied, winnt.TOKEN_ALL_ACCESS &^ winnt.TOKEN_DUPLICATE: ntstatus.AccessDenied,
		winnt.TOKEN_DUPLICATE: ntstatus.InvalidParameter, // a token is not a pair with itself
	} {
		other := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, right))
		check.Equal(t, th.NtSetInformationToken(h, winnt.TokenLinkedToken, other), want,
			"T-90: linking a token by a handle with %#x", uint32(right))
	}
}

// Isolation is enabled with a prefix and disabled without one. Other combinations fail and change nothing (T-90).
func TestIsolationNeedsMatchingPrefix(t *testing.T) {
	th, h := systemToken(t)
	on, off := nt.TokenBnoIsolation{IsolationEnabled: true, IsolationPrefix: "x"}, nt.TokenBnoIsolation{}
	for _, c := range []struct {
		set  nt.TokenBnoIsolation
		st   ntstatus.Status
		then nt.TokenBnoIsolation
	}{
		{off, ntstatus.Success, off}, {nt.TokenBnoIsolation{IsolationPrefix: "x"}, ntstatus.InvalidParameter, off},
		{on, ntstatus.Success, on}, {nt.TokenBnoIsolation{IsolationEnabled: true}, ntstatus.InvalidParameter, on},
		{nt.TokenBnoIsolation{IsolationPrefix: "y"}, ntstatus.InvalidParameter, on}, {off, ntstatus.Success, off},
	} {
		check.Equal(t, th.NtSetInformationToken(h, winnt.TokenBnoIsolation, c.set), c.st,
			"T-90: setting isolation %+v", c.set)
		if got, st := th.NtQueryInformationToken(h, winnt.TokenBnoIsolation); st != ntstatus.Success || got != c.then {
			t.Errorf("T-90: isolation after setting %+v = %+v, %s, want %+v", c.set, got, st, c.then)
		}
	}
}

// A flag is 0 or 1. Other values are refused and change nothing (T-90).
func TestSetFlagIsBoolean(t *testing.T) {
	th, h := systemToken(t)
	for _, class := range []winnt.TokenInfoClass{winnt.TokenVirtualizationAllowed, winnt.TokenVirtualizationEnabled,
		winnt.TokenUIAccess, winnt.TokenPrivateNameSpace} {
		for _, c := range []struct {
			set  uint32
			st   ntstatus.Status
			then uint32
		}{{1, ntstatus.Success, 1}, {2, ntstatus.InvalidParameter, 1}, {0xFFFFFFFF, ntstatus.InvalidParameter, 1},
			{0, ntstatus.Success, 0}, {2, ntstatus.InvalidParameter, 0}} {
			st := th.NtSetInformationToken(h, class, c.set)
			got, read := th.NtQueryInformationToken(h, class)
			check.That(t, st == c.st && read == ntstatus.Success && got == c.then,
				"T-90: setting %s to %d: %s, query then %v, %s, want %s, %d", class, c.set, st, got, read, c.st, c.then)
		}
		th.NtSetInformationToken(h, winnt.TokenVirtualizationAllowed, uint32(1)) // for TokenVirtualizationEnabled
	}
}
