package services_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The security attributes of a token can be queried by name, ignoring case. The query returns those that exist, and
// all of them if it names none. The required length matches (T-80).
func TestSecurityAttributesAreQueriedByName(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	set := check.Must(claims.NewSet([]claims.Attribute{{Name: "One", Type: claims.Int64, Ints: []int64{1}},
		{Name: "two", Type: claims.Int64, Ints: []int64{2, 3}}}))
	spec := token.StandardUser(sid.MustParse(svc))
	spec.LocalAttributes = set
	th, _ := w.thread(w.of("p", spec))
	list := check.Result(th.NtQuerySecurityAttributesToken(winnt.NtCurrentEffectiveToken, "two"))
	check.That(t, len(list) == 1 && list[0].Name == "two", "query of one attribute: %v", list)
	for _, c := range []struct {
		names, want []string
		need        uint32
	}{
		// 16 bytes of header, and for each attribute 40, 8 for each value and the name rounded up to 8 bytes.
		{nil, []string{"One", "two"}, 16 + 40 + 8 + 8 + 40 + 16 + 8}, {[]string{"one"}, []string{"One"}, 16 + 40 + 8 + 8},
		{[]string{"TWO"}, []string{"two"}, 16 + 40 + 16 + 8}, {[]string{"two", "none"}, []string{"two"}, 16 + 40 + 16 + 8},
		{[]string{"two", "One", "one"}, []string{"One", "two"}, 16 + 40 + 8 + 8 + 40 + 16 + 8}, {[]string{"none"}, nil, 0},
		{[]string{""}, nil, 0}, {[]string{"On"}, nil, 0},
	} {
		for _, room := range []uint32{0, c.need - 1, c.need, c.need + 1} {
			out, st := th.Services().NtQuerySecurityAttributesToken(nt.QuerySecurityAttributesTokenIn{
				TokenHandle: winnt.NtCurrentEffectiveToken, Attributes: nt.Cap(c.names), Length: room})
			var got []string
			for _, a := range out.Buffer {
				got = append(got, a.Name)
			}
			wanted, names := ntstatus.Success, c.want
			if c.want == nil {
				wanted = ntstatus.NotFound
			} else if room < c.need {
				wanted, names = ntstatus.BufferTooSmall, nil
			}
			check.That(t, st == wanted && out.ReturnLength == c.need && slices.Equal(got, names),
				"query of %q with room for %d bytes: %v, required %d, %q, want %v, %d, %q", c.names, room, st, out.ReturnLength,
				got, wanted, c.need, names)
		}
	}
}

// TokenStatistics has the properties of the token. Of the charged bytes, the primary group and the default DACL take
// their part (T-80).
func TestTokenStatisticsDescribeToken(t *testing.T) {
	spec := token.StandardUser(sid.MustParse(svc))
	spec.AuthenticationID, spec.ModifiedID, spec.ExpirationTime, spec.DynamicCharged = 0x777, 0x778, 1<<50, 600
	spec.PrimaryGroup, spec.DefaultDACL = spec.User.SID, sddl.MustParse("D:(A;;GA;;;WD)").DACL()
	spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool {
		return g.Attributes&winnt.SE_GROUP_LOGON_ID != 0
	})
	_, th := userThread(t, spec)
	h := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	copied := check.Result(th.NtDuplicateToken(h, winnt.TOKEN_ALL_ACCESS, &nt.ObjectAttributes{
		SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification}}, false,
		winnt.TokenImpersonation))
	statistics := func(h winnt.Handle) nt.TokenStatistics {
		return check.Result(th.NtQueryInformationToken(h, winnt.TokenStatistics)).(nt.TokenStatistics)
	}
	first, second := statistics(h), statistics(copied)
	check.That(t, first.TokenID != 0 && second.TokenID > first.TokenID,
		"statistics %+v, of a copy %+v, want a larger TokenID", first, second)
	want := nt.TokenStatistics{TokenID: first.TokenID, AuthenticationID: 0x777, ExpirationTime: 1 << 50,
		TokenType: winnt.TokenPrimary, ImpersonationLevel: first.ImpersonationLevel, DynamicCharged: 600,
		// 28 bytes of the primary group, and 8 + 20 of a list with one entry
		DynamicAvailable: 600 - 28 - 28, GroupCount: uint32(len(spec.Groups) + 1), PrivilegeCount: 5,
		ModifiedID: 0x778} // GroupCount includes the integrity level
	check.Equal(t, first, want, "statistics")
	want.TokenID, want.TokenType, want.ImpersonationLevel = second.TokenID, winnt.TokenImpersonation,
		winnt.SecurityIdentification
	check.Equal(t, second, want, "statistics of a copy")
	check.Equal(t, check.Status(th.NtQueryInformationToken(h, winnt.TokenLogonSid)), ntstatus.NotFound, "logon SID")
}

// If there is no memory for the handle of a linked token, the query fails and returns no handle (O-81, T-80).
func TestFailedLinkedTokenQueryReturnsNoHandle(t *testing.T) {
	var memory inject.Injector
	s := &scripted{Memory: logon.Example(sid.SID{})}
	w := newWorld(t, kernel.Config{LSA: s, Faults: memory.Point})
	user := sid.MustParse("S-1-5-21-1-2-3-500")
	other := token.Administrator(user)
	s.result = logon.Result{Token: token.LimitedAdministrator(user), Linked: &other}
	th := w.system("winlogon")
	out := check.Result(th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_INTERACTIVE,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "u"}}))
	for _, full := range []string{"ob: handle", "se: copy token"} {
		memory.Fail(ntstatus.InsufficientResources.Err(), inject.Kind(full))
		v, st := th.NtQueryInformationToken(out.Token, winnt.TokenLinkedToken)
		if want(t, full, st, ntstatus.InsufficientResources); v != nil {
			t.Errorf("linked token with no memory at %q = %v, want nil", full, v)
		}
	}
	memory.Fail(nil)
	small, st := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: out.Token,
		TokenInformationClass: winnt.TokenLinkedToken, TokenInformationLength: 7})
	check.That(t, st == ntstatus.BufferTooSmall && small.ReturnLength == 8, "with 7 bytes: %v, %+v, want 8", st, small)
	v, st := th.NtQueryInformationToken(out.Token, winnt.TokenLinkedToken)
	want(t, "with memory", st, ntstatus.Success)
	about := check.Result(th.NtQueryObject(v.(winnt.Handle), nt.ObjectBasicInformation)).(nt.BasicInformation)
	check.Equal(t, about.GrantedAccess, winnt.TOKEN_ALL_ACCESS, "rights of the linked token's handle")
}

// An unwritable ReturnLength is reported before an invalid handle and after an invalid class (TC-41, T-80).
func TestQueryProbesReturnLengthBeforeHandle(t *testing.T) {
	th := newThread(t)
	for _, c := range []struct {
		class winnt.TokenInfoClass
		want  ntstatus.Status
	}{
		{0, ntstatus.InvalidInfoClass},
		{winnt.TokenUser, ntstatus.AccessViolation},
		{winnt.TokenSessionReference, ntstatus.AccessViolation},
	} {
		_, st := th.Services().NtQueryInformationToken(nt.QueryInformationTokenIn{
			TokenHandle: 0xDEAD0, TokenInformationClass: c.class, FaultReturnLength: ntstatus.AccessViolation})
		check.Equal(t, st, c.want, "class %s with an unwritable ReturnLength", c.class)
	}
}
