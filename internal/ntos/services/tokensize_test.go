package services_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The length of a list of claims counts its header, and for each attribute its structure, the structures and texts of
// all its values, and its name, each rounded up to 8 bytes (T-80).
func TestClaimListLengthCountsAllParts(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	for name, c := range map[string]struct {
		claim            claims.Attribute
		claimed, ofToken uint32
	}{
		"strings":  {claims.Attribute{Type: claims.String, Strings: []string{"ab", "c"}}, 16 + 32 + 32, 16 + 40 + 40},
		"numbers":  {claims.Attribute{Type: claims.Int64, Ints: []int64{1, 2, 3}}, 16 + 32 + 32, 16 + 40 + 32},
		"booleans": {claims.Attribute{Type: claims.Boolean, Uints: []uint64{1, 0}}, 16 + 32 + 24, 16 + 40 + 24},
		"SIDs": {claims.Attribute{Type: claims.SID, SIDs: []sid.SID{sid.Everyone, sid.LocalSystem}}, 16 + 32 + 64,
			16 + 40 + 64},
		"octets": {claims.Attribute{Type: claims.Octets, Octets: [][]byte{{1, 2, 3}, {4, 5, 6, 7, 8}}}, 16 + 32 + 48,
			16 + 40 + 48},
	} {
		c.claim.Name = "n"
		set := check.Must(claims.NewSet([]claims.Attribute{c.claim}))
		spec := token.StandardUser(sid.MustParse(svc))
		spec.UserClaims, spec.DeviceClaims, spec.LocalAttributes = set, set, set
		p := w.of("p", spec)
		th, _ := w.thread(p)
		for class, need := range map[winnt.TokenInfoClass]uint32{winnt.TokenUserClaimAttributes: c.claimed,
			winnt.TokenDeviceClaimAttributes: c.claimed, winnt.TokenSecurityAttributes: c.ofToken,
			winnt.TokenLogonSid: 8 + 16 + 20} { // header, group, S-1-5-5-x-y
			for length, wanted := range map[uint32]ntstatus.Status{need: 0, need - 1: ntstatus.BufferTooSmall} {
				out, st := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{
					TokenHandle: winnt.NtCurrentProcessToken, TokenInformationClass: class, TokenInformationLength: length})
				if want(t, name+" of "+class.String(), st, wanted); out.ReturnLength != need {
					t.Errorf("%s of %v: returned length %d, want %d", name, class, out.ReturnLength, need)
				}
			}
		}
	}
}

// Each service that returns a required length succeeds with a buffer of exactly that length. With one byte less it
// returns the required length and its error status, and no output (T-70, T-74, T-80, O-61, O-64).
func TestRequiredLengthsAreExact(t *testing.T) {
	th, own := systemToken(t)
	handle := func(h winnt.Handle, st ntstatus.Status) winnt.Handle {
		t.Helper()
		check.Success(t, st)
		return h
	}
	event := handle(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: `\x`}, nt.NotificationEvent,
		false))
	const length, need = "Length", "ReturnLength"
	cases := []lengthCase{
		{"NtQuerySecurityObject", nt.QuerySecurityObjectIn{Handle: event, SecurityInformation: 7}, length, "LengthNeeded",
			ntstatus.BufferTooSmall, false},
		{"NtQuerySecurityAttributesToken", nt.QuerySecurityAttributesTokenIn{TokenHandle: own}, length, need,
			ntstatus.BufferTooSmall, false},
	}
	for class, exact := range map[nt.ObjectInfoClass]bool{nt.ObjectBasicInformation: true, nt.ObjectNameInformation: false,
		nt.ObjectTypeInformation: false, nt.ObjectTypesInformation: false, nt.ObjectHandleFlagInformation: true} {
		cases = append(cases, lengthCase{"NtQueryObject", nt.QueryObjectIn{Handle: event, ObjectInformationClass: class},
			"ObjectInformationLength", need, ntstatus.InfoLengthMismatch, exact})
	}
	check.Success(t, th.NtSetInformationToken(own, winnt.TokenDefaultDacl, (*sd.ACL)(nil)))
	none, _ := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: own,
		TokenInformationClass: winnt.TokenDefaultDacl})
	check.Equal(t, none.ReturnLength, 8, "T-80: length of a missing default DACL")
	check.Success(t, th.NtSetInformationToken(own, winnt.TokenDefaultDacl, sddl.MustParse("D:(A;;GA;;;SY)").DACL()))
	check.Success(t, th.NtSetInformationToken(own, winnt.TokenBnoIsolation, nt.TokenBnoIsolation{IsolationEnabled: true,
		IsolationPrefix: "x"}))
	const pointer, group, system, admins, header = 8, 16, 8 + 4, 8 + 2*4, 8 // system and admins are SIDs
	groups := uint32(header)
	for _, g := range class[[]token.Group](t, th, own, winnt.TokenGroups) {
		groups += group + uint32(g.SID.Len())
	}
	for class, length := range map[winnt.TokenInfoClass]uint32{winnt.TokenUser: group + system, winnt.TokenGroups: groups,
		winnt.TokenOwner: pointer + admins, winnt.TokenPrimaryGroup: pointer + system,
		winnt.TokenDefaultDacl: pointer + header + header + system, winnt.TokenBnoIsolation: 2*pointer + 2*2,
		winnt.TokenRestrictedSids: header} {
		out, _ := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: own,
			TokenInformationClass: class})
		check.Equal(t, out.ReturnLength, length, "T-80: length of %v", class)
	}
	owner, _ := th.Services().NtQuerySecurityObject(nt.QuerySecurityObjectIn{Handle: event,
		SecurityInformation: nt.SecurityInformation(winnt.OWNER_SECURITY_INFORMATION)})
	check.Equal(t, owner.LengthNeeded, 20+admins, "O-64: length of a descriptor's owner alone")
	for class := winnt.TokenUser; class <= winnt.TokenIsAppContainer; class++ {
		in := nt.QueryInformationTokenIn{TokenHandle: own, TokenInformationClass: class, TokenInformationLength: ^uint32(0)}
		if _, st := th.CallRow(nt.NtTable.Find("NtQueryInformationToken"), in); st == ntstatus.Success {
			cases = append(cases, lengthCase{"NtQueryInformationToken", in, "TokenInformationLength", need,
				ntstatus.BufferTooSmall, false})
		}
	}
	size := uint32(8) // and each type with its name, rounded up to 8 bytes
	for _, x := range check.Result(th.NtQueryObject(0, nt.ObjectTypesInformation)).([]nt.TypeInformation) {
		size += (104 + 2*uint32(len(x.TypeName)+1) + 7) &^ 7
	}
	types, _ := th.Services().NtQueryObject(nt.QueryObjectIn{ObjectInformationClass: nt.ObjectTypesInformation})
	check.Equal(t, types.ReturnLength, size, "O-61: length of all types")
	check.That(t, len(cases) >= 30, "%d cases, want at least 30", len(cases))
	for _, c := range cases {
		c.check(t, th)
	}
}

// lengthCase is a service with a required length, and its parameters.
type lengthCase struct {
	service string
	in      any
	length  string // the field of the input that is the room
	need    string // the output field with the required length
	refusal ntstatus.Status
	exact   bool // more room than is needed is refused, too
}

// with returns the input with that much room.
func (c *lengthCase) with(room uint32) any {
	in := reflect.New(reflect.TypeOf(c.in)).Elem()
	in.Set(reflect.ValueOf(c.in))
	in.FieldByName(c.length).SetUint(uint64(room))
	return in.Interface()
}

// check calls the service with a large buffer, then with buffers of the required length and its neighbours.
func (c *lengthCase) check(t *testing.T, th *nt.Thread) {
	t.Helper()
	row := nt.NtTable.Find(c.service)
	whole, st := th.CallRow(row, c.with(^uint32(0)))
	if st != ntstatus.Success {
		t.Errorf("%s %+v with a large buffer: %v, want %v", c.service, c.in, st, ntstatus.Success)
		return
	}
	need := uint32(reflect.ValueOf(whole).FieldByName(c.need).Uint())
	wanted := reflect.New(reflect.TypeOf(whole)).Elem() // the need, and nothing else
	wanted.FieldByName(c.need).SetUint(uint64(need))
	for room, enough := range map[uint32]bool{need: true, need - 1: false, 0: false, need + 1: !c.exact} {
		if room == ^uint32(0) {
			continue
		}
		out, st := th.CallRow(row, c.with(room))
		want, status := whole, ntstatus.Success
		if !enough {
			want, status = wanted.Interface(), c.refusal
		}
		check.That(t, st == status && reflect.DeepEqual(out, want),
			"%s %+v with %d bytes, %d required: %+v, %v, want %v", c.service, c.in, room, need, out, st, status)
	}
}
