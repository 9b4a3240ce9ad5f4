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
			in.TokenHandle = check.Result(in.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
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
	checkOrder(t, "a class of fixed length", fixed, call, []rung[setting]{class,
		{"the length", ntstatus.InfoLengthMismatch, func(in *setting) { in.TokenInformationLength = 5 }},
		handle, privilege, malformed, value})
	checkOrder(t, "a class of fixed length that cannot be read", fixed, call,
		[]rung[setting]{{"the length", ntstatus.InfoLengthMismatch,
			func(in *setting) { in.TokenInformationLength = 3 }}, fault, handle})
	list := []token.AttributeChange{{Operation: token.AttributeReplaceAll,
		Attribute: claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}}}
	variable := setting{nt.SetInformationTokenIn{TokenInformationClass: winnt.TokenSecurityAttributes,
		TokenInformation: nt.Cap[any](list), TokenInformationLength: 16}, able}
	short := rung[setting]{"the header", ntstatus.InfoLengthMismatch,
		func(in *setting) { in.TokenInformationLength = 15 }}
	checkOrder(t, "a class of variable length", variable, call,
		[]rung[setting]{class, handle, short, privilege, malformed, value})
	checkOrder(t, "a class of variable length that cannot be read", variable, call,
		[]rung[setting]{fault, handle, short})
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
		th := newThread(t)
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

// Each of the nine lists is refused if it is unreadable: before the handle is checked if its memory is invalid, and
// otherwise after it. A missing list restricts nothing, and an empty list restricts everything (T-60, T-67).
func TestFilterRefusesUnreadableLists(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	spec := token.StandardUser(sid.MustParse(svc))
	set := check.Must(claims.NewSet([]claims.Attribute{{Name: "c", Type: claims.Uint64, Uints: []uint64{1}}}))
	spec.UserClaims, spec.DeviceClaims = set, set
	v := check.Must(token.New(spec))
	th, k := w.thread(w.with("p", v))
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	for name, list := range map[string]func(*nt.FilterTokenExIn) *ntstatus.Status{
		"SIDs":              func(in *nt.FilterTokenExIn) *ntstatus.Status { return &in.SIDsToDisable.Status },
		"privileges":        func(in *nt.FilterTokenExIn) *ntstatus.Status { return &in.PrivilegesToDelete.Status },
		"restricting":       func(in *nt.FilterTokenExIn) *ntstatus.Status { return &in.RestrictedSIDs.Status },
		"user claims":       func(in *nt.FilterTokenExIn) *ntstatus.Status { return &in.UserClaimsToDisable.Status },
		"device claims":     func(in *nt.FilterTokenExIn) *ntstatus.Status { return &in.DeviceClaimsToDisable.Status },
		"device groups":     func(in *nt.FilterTokenExIn) *ntstatus.Status { return &in.DeviceGroupsToDisable.Status },
		"restricted user":   func(in *nt.FilterTokenExIn) *ntstatus.Status { return &in.RestrictedUserAttributes.Status },
		"restricted device": func(in *nt.FilterTokenExIn) *ntstatus.Status { return &in.RestrictedDeviceAttributes.Status },
		"restricted groups": func(in *nt.FilterTokenExIn) *ntstatus.Status { return &in.RestrictedDeviceGroups.Status },
	} {
		for status, withHandle := range map[ntstatus.Status]ntstatus.Status{unread(1): ntstatus.InvalidHandle,
			ntstatus.AccessViolation: ntstatus.AccessViolation} {
			in := nt.FilterTokenExIn{ExistingTokenHandle: own}
			*list(&in) = status
			want(t, name, check.Status(th.Services().NtFilterTokenEx(in)), status)
			in.ExistingTokenHandle = 0x7770
			want(t, name+" and the handle", check.Status(th.Services().NtFilterTokenEx(in)), withHandle)
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
		check.Success(t, st)
		spec := object.(*kernel.AccessToken).Value().Spec()
		user, device := spec.RestrictedUserClaims != nil, spec.RestrictedDeviceClaims != nil
		check.That(t, user == (in.RestrictedUserAttributes.V != nil) && device == (in.RestrictedDeviceAttributes.V != nil),
			"%s: user claims restricted %v, device claims restricted %v, want %v, %v", name, user, device,
			in.RestrictedUserAttributes.V != nil, in.RestrictedDeviceAttributes.V != nil)
		k.ObDereferenceObject(object)
	}
	object := k.NewToken(v)
	defer k.PsDereferencePrimaryToken(object)
	none := nt.Cap([]token.Group{{}})
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
	keeps     bool  // ModifiedId
	values    []any // that fit; the test sets them in this order
	wrong     []any // of the right kind, and not fitting
	refusal   ntstatus.Status
}

var settables = map[winnt.TokenInfoClass]settable{
	winnt.TokenOwner: {length: 8, variable: true, values: []any{sid.MustParse(client)}, wrong: []any{sid.LocalSystem},
		refusal: ntstatus.InvalidOwner},
	winnt.TokenPrimaryGroup: {length: 8, variable: true, values: []any{sid.Everyone}, wrong: []any{sid.LocalSystem},
		refusal: ntstatus.InvalidPrimaryGroup},
	winnt.TokenDefaultDacl: {length: 8, variable: true, values: []any{(*sd.ACL)(nil)}},
	winnt.TokenSessionId: {right: winnt.TOKEN_ADJUST_SESSIONID, privilege: winnt.SeTcbPrivilege, length: 4,
		values: []any{uint32(7)}},
	winnt.TokenSessionReference: {privilege: winnt.SeTcbPrivilege, length: 4, keeps: true, values: []any{uint32(0)},
		wrong: []any{uint32(1)}, refusal: ntstatus.InvalidParameter},
	winnt.TokenAuditPolicy: {privilege: winnt.SeTcbPrivilege, length: 30, keeps: true, values: []any{make([]byte, 30)},
		wrong: []any{make([]byte, 29)}, refusal: ntstatus.InvalidParameter},
	winnt.TokenOrigin: {privilege: winnt.SeTcbPrivilege, length: 8,
		values: []any{winnt.LUID(0), winnt.LUID(77)}},
	winnt.TokenVirtualizationAllowed: flag(winnt.SeCreateTokenPrivilege),
	winnt.TokenVirtualizationEnabled: flag(0),
	winnt.TokenIntegrityLevel: {length: 16, variable: true, values: []any{sid.LowLevel}, wrong: []any{sid.Everyone},
		refusal: ntstatus.InvalidParameter},
	winnt.TokenUIAccess: flag(winnt.SeTcbPrivilege),
	winnt.TokenMandatoryPolicy: {privilege: winnt.SeTcbPrivilege, length: 4, values: []any{uint32(1)},
		wrong: []any{uint32(4)}, refusal: ntstatus.InvalidParameter},
	winnt.TokenSecurityAttributes: {privilege: winnt.SeTcbPrivilege, length: 16, variable: true, keeps: true,
		values: []any{[]token.AttributeChange{{Operation: token.AttributeReplaceAll,
			Attribute: claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}}}},
		wrong: []any{[]token.AttributeChange{{Operation: 99}}}, refusal: ntstatus.InvalidParameter},
	winnt.TokenPrivateNameSpace: flag(winnt.SeTcbPrivilege),
	// Isolation is enabled with a prefix and disabled without one.
	winnt.TokenBnoIsolation: {privilege: winnt.SeTcbPrivilege, length: 16, keeps: true,
		values:  []any{nt.TokenBnoIsolation{IsolationEnabled: true, IsolationPrefix: "x"}, nt.TokenBnoIsolation{}},
		wrong:   []any{nt.TokenBnoIsolation{IsolationPrefix: "y"}, nt.TokenBnoIsolation{IsolationEnabled: true}},
		refusal: ntstatus.InvalidParameter},
	winnt.TokenChildProcessFlags: {length: 4, keeps: true, values: []any{nt.ChildProcessNone}, wrong: []any{uint32(8)},
		refusal: ntstatus.InvalidParameter},
}

// flag is a class whose value is 0 or 1.
func flag(privilege winnt.Privilege) settable {
	return settable{privilege: privilege, length: 4, keeps: true, values: []any{uint32(1), uint32(0)},
		wrong: []any{uint32(2), ^uint32(0)}, refusal: ntstatus.InvalidParameter}
}

// Each settable class requires exactly its own length, right and privilege. It rejects an invalid value without a
// change. A valid change assigns a new ModifiedId or keeps it, as in the table (T-90).
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
		spec.Flags = winnt.SE_BACKUP_PRIVILEGES_CHECKED // which no class sets or clears
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
			check.That(t, tok.Value().Flags()&winnt.SE_BACKUP_PRIVILEGES_CHECKED != 0, "%s: another flag was cleared", name)
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
		value := row.values[0]
		for left := need; left != 0; left &= left - 1 {
			bit := winnt.AccessMask(1) << bits.TrailingZeros32(uint32(left))
			set(plain, winnt.TOKEN_ALL_ACCESS&^bit, row.length, value, ntstatus.AccessDenied)
		}
		set(plain, need, row.length-1, value, ntstatus.InfoLengthMismatch)
		if !row.variable {
			set(plain, need, row.length+1, value, ntstatus.InfoLengthMismatch)
			set(plain, need, 0, value, ntstatus.InfoLengthMismatch)
		}
		if row.privilege != 0 {
			set(other, need, row.length, value, ntstatus.PrivilegeNotHeld)
		}
		set(own, need, row.length, struct{}{}, ntstatus.InvalidParameter)
		for _, value := range row.values {
			for _, wrong := range row.wrong {
				set(own, need, row.length, wrong, row.refusal)
			}
			set(own, need, row.length, value, ntstatus.Success)
			got, st := plain.NtQueryInformationToken(open(plain, winnt.TOKEN_QUERY), c)
			if st != ntstatus.Success {
				want(t, name+", which can only be set", st, ntstatus.InvalidInfoClass)
				continue
			}
			if g, ok := got.(token.Group); ok {
				got = g.SID
			}
			if list, ok := got.([]claims.Attribute); ok && len(list) == 1 {
				got, value = list[0].Name, "a"
			}
			check.DeepEqual(t, got, value, "%s: query after setting %v", name, value)
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
	check.Success(t, th.NtSetInformationToken(h, winnt.TokenOrigin, winnt.LUID(7)))
	for _, again := range []winnt.LUID{0, 7, 8} {
		check.Equal(t, th.NtSetInformationToken(h, winnt.TokenOrigin, again), ntstatus.InvalidParameter,
			"T-90: setting TokenOrigin from 7 to %d", again)
	}
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
