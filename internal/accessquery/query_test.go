package accessquery

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Of two control rights the query requests the granted one, and the first if none is granted (B-2).
func TestChoosePrefersGrantedRight(t *testing.T) {
	tok := check.Must(token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"]}`)))
	queries := []words.Query{{Desired: winnt.WRITE_DAC}, {Desired: winnt.WRITE_OWNER}}
	for dacl, want := range map[string]winnt.AccessMask{
		"(A;;WD;;;WD)": winnt.WRITE_DAC, "(A;;WO;;;WD)": winnt.WRITE_OWNER, "(A;;WDWO;;;WD)": winnt.WRITE_DAC,
		"(A;;FR;;;WD)": winnt.WRITE_DAC,
	} {
		d := check.Must(sddl.Parse("O:SYG:SYD:"+dacl, sddl.Options{}))
		q := &Query{Request: access.Request{Descriptor: d, Subject: access.SubjectOf(tok), Type: winnt.FileObject}}
		if err := q.Choose(queries); err != nil || q.Request.Desired != want {
			t.Errorf("%s: Choose requests %v, error %v, want %v", dacl, q.Request.Desired, err, want)
		}
	}
	check.That(t, new(Query).Choose(queries) != nil, "Choose without a subject: no error, want one")
}

// Relative aliases are defined only by the domain of a user S-1-5-21-x-y-z-rid.
func TestUserDomainNeedsAccountSID(t *testing.T) {
	for user, want := range map[string]string{"S-1-5-21-1-2-3-1107": "S-1-5-21-1-2-3", "S-1-5-21-1-2-3": "",
		"S-1-5-21-1-2-3-4-5": "", "S-1-5-20-1-2-3-4": "", "S-1-4-21-1-2-3-4": "", "S-1-5-18": "", "S-1-5-32-544": ""} {
		tok := check.Must(token.New(token.Spec{User: token.Group{SID: sid.MustParse(user)}}))
		if got := UserDomain(tok); got.IsZero() != (want == "") || !got.IsZero() && got.String() != want {
			t.Errorf("%s: %v, want %q", user, got, want)
		}
	}
}

// TestCaptureFailureNamesRule checks that a descriptor that cannot be captured fails where a missing one would
//
func TestCaptureFailureNamesRule(t *testing.T) {
	// What made the capture fail is the status, where the missing descriptor would be.
	q := &Query{Call: NtAccessCheck, Capture: ntstatus.InvalidOwner}
	got := q.refused(ntstatus.InvalidOwner)
	check.That(t, got.Rule == "A-18" && got.ACE == -1, "%+v, want a step of rule A-18 without an entry", got)
	// An earlier reason to fail keeps its status: a primary token or a low level.
	for text, want := range map[string]ntstatus.Status{
		`{"user":"WD"}`: ntstatus.NoImpersonationToken,
		`{"user":"WD","type":"Impersonation","impersonationLevel":"Anonymous"}`:      ntstatus.BadImpersonationLevel,
		`{"user":"WD","type":"Impersonation","impersonationLevel":"Identification"}`: ntstatus.InvalidOwner,
	} {
		tok := check.Must(token.Parse([]byte(text)))
		for _, list := range []bool{false, true} {
			q.ResultList, q.Request = list, access.Request{Subject: SubjectFor(tok, NtAccessCheck), Desired: 1,
				Type: winnt.FileObject, ObjectTypes: []access.ObjectTypeEntry{{}}}
			a, err := q.Ask()
			check.That(t, err == nil && a.Status() == want, "%s, result list %t: %v, %v, want %v", text, list, a.Status(), err,
				want)
		}
	}
}

// NtAccessCheck has the same decision with an explanation, with a result list and with both. A failed call has only
// the reason, and that only with an explanation.
func TestAskFollowsNtAccessCheck(t *testing.T) {
	client := check.Must(token.Parse([]byte(
		`{"user":"S-1-5-21-1-2-3-1107","type":"Impersonation","impersonationLevel":"Identification"}`)))
	primary := check.Must(token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107"}`)))
	call, ok := ParseCall("NtAccessCheck")
	check.That(t, ok && call == NtAccessCheck && SubjectFor(client, call).Level == winnt.SecurityIdentification,
		"ParseCall = %v, %t, level %v", call, ok, SubjectFor(client, call).Level)
	for _, name := range []string{"", "seAccessCheck", "SeAccessCheck "} {
		_, ok := ParseCall(name)
		check.That(t, !ok, "ParseCall(%q) knows the name, want it refused", name)
	}
	for _, list := range []bool{false, true} {
		for _, explain := range []bool{false, true} {
			q := &Query{Call: call, ResultList: list, Explain: explain, Request: access.Request{
				Descriptor: sddl.MustParse("O:SYG:SYD:(A;;0x1;;;S-1-5-21-1-2-3-1107)"), Subject: SubjectFor(client, call),
				Desired: 1, Type: winnt.FileObject, ObjectTypes: []access.ObjectTypeEntry{{}}}}
			a, err := q.Ask()
			check.That(t, err == nil && a.Allowed() && (a.Results != nil) == list && (a.Why != nil) == explain &&
				a.Refused == nil && (!explain || a.Why.Decision.Allowed() && a.Why.Record().ResultList == list),
				"list %t, explain %t: %+v, %v", list, explain, a, err)
			q.Request.Subject = SubjectFor(primary, call)
			a, err = q.Ask()
			check.That(t, err == nil && a.Status() == ntstatus.NoImpersonationToken && a.Results == nil && a.Why == nil &&
				(a.Refused != nil) == explain && (!explain || a.Refused.Rule == "A-14" && a.Refused.Bits == 1),
				"primary token, list %t, explain %t: %+v, %v", list, explain, a, err)
		}
	}
}

// The step of a failed call has the rule for its status.
func TestRefusalNamesRule(t *testing.T) {
	for _, c := range []struct {
		query Query
		call  ntstatus.Status
		want  string
	}{
		{Query{ResultList: true}, ntstatus.InvalidParameter, "A-11"}, {Query{}, ntstatus.GenericNotMapped, "A-12"},
		{Query{}, ntstatus.NoImpersonationToken, "A-14"}, {Query{}, ntstatus.BadImpersonationLevel, "A-15"},
		{Query{}, ntstatus.InvalidParameter, "A-26"}, {Query{}, ntstatus.InvalidSecurityDescr, "A-19"},
	} {
		check.Equal(t, c.query.refused(c.call).Rule, c.want, "rule for %v, result list %t", c.call, c.query.ResultList)
		// Only the last reason gives way to a descriptor that cannot be captured.
		if c.query.Capture = ntstatus.InvalidOwner; c.want == "A-19" {
			c.want = "A-18"
		}
		check.Equal(t, c.query.refused(c.call).Rule, c.want, "rule for %v, without a captured descriptor", c.call)
	}
}

// SeAccessCheck takes a primary token. The answer has results and an explanation only on request.
func TestAskReturnsWhatIsRequested(t *testing.T) {
	tok := check.Must(token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107"}`)))
	for _, list := range []bool{false, true} {
		for _, explain := range []bool{false, true} {
			q := &Query{ResultList: list, Explain: explain, Request: access.Request{Desired: 1, Type: winnt.FileObject,
				Descriptor: sddl.MustParse("O:SYG:SYD:(A;;0x1;;;S-1-5-21-1-2-3-1107)"),
				Subject:    SubjectFor(tok, SeAccessCheck), ObjectTypes: []access.ObjectTypeEntry{{}}}}
			a, err := q.Ask()
			check.That(t, err == nil && a.Allowed() && (a.Results != nil) == list && (a.Why != nil) == explain &&
				a.Refused == nil && (!explain || a.Why.Record().ResultList == list),
				"list %t, explain %t: %+v, %v", list, explain, a, err)
		}
	}
}

// Choose takes the object types of the query with its rights. Only a descriptor without the D: part lacks a DACL.
func TestChooseTakesObjectTypes(t *testing.T) {
	tok := check.Must(token.Parse([]byte(`{"user":"WD"}`)))
	types := []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}}
	q := &Query{Request: access.Request{Descriptor: sddl.MustParse("O:SYG:SYD:"), Subject: access.SubjectOf(tok),
		Type: winnt.FileObject}}
	check.NoError(t, q.Choose([]words.Query{{Desired: 1, Types: types}}))
	check.That(t, len(q.Request.ObjectTypes) == 1 && q.Request.ObjectTypes[0] == types[0], "object types %v, want %v",
		q.Request.ObjectTypes, types)
	for text, want := range map[string]bool{"O:SY": true, "O:SYD:": false, "O:SYD:NO_ACCESS_CONTROL": false} {
		check.Equal(t, LacksDACL(sddl.MustParse(text)), want, "LacksDACL of %s", text)
	}
	check.That(t, !LacksDACL(nil), "LacksDACL(nil) = true, want false")
}
