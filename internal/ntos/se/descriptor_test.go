package se_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func text(tb testing.TB, d *sd.Descriptor) string {
	tb.Helper()
	s, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func acl(tb testing.TB, dacl string) *sd.ACL {
	tb.Helper()
	return sddl.MustParse("D:" + dacl).DACL()
}

// O-38, O-39: what a new object is protected by, type by type.
func TestNewDescriptor(t *testing.T) {
	const group = "S-1-5-21-1-2-3-2001"
	defaults := func(s *token.Spec) {
		s.Groups = append(s.Groups, token.Group{SID: sid.MustParse(group),
			Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER})
		s.Owner, s.PrimaryGroup = sid.MustParse(group), sid.MustParse(group)
		s.DefaultDACL = acl(t, "(A;;GA;;;SY)(A;;GR;;;"+client+")")
	}
	for _, c := range []struct {
		name     string
		creator  *token.Token
		typ      *winnt.ObjectType
		explicit string
		want     string
	}{
		{"the defaults, mapped by the type; a token has a label, marked as inherited",
			build(t, client, winnt.TokenPrimary, defaults), winnt.TokenObject, "",
			"O:" + group + "G:" + group + "D:(A;;0xf01ff;;;SY)(A;;0x2001a;;;" + client + ")S:AI(ML;;NW;;;ME)"},
		{"a process cannot be read from below either", build(t, client, winnt.TokenPrimary, defaults),
			winnt.ProcessObject, "",
			"O:" + group + "G:" + group + "D:(A;;0x1fffff;;;SY)(A;;0x20410;;;" + client + ")S:(ML;;NWNR;;;ME)"},
		{"other types have none at Medium", build(t, client, winnt.TokenPrimary, defaults), winnt.JobObject, "",
			"O:" + group + "G:" + group + "D:(A;;0x1f003f;;;SY)(A;;0x20004;;;" + client + ")"},
		{"and one below", build(t, client, winnt.TokenPrimary, defaults, integrity(0x1000)), winnt.JobObject, "",
			"O:" + group + "G:" + group + "D:(A;;0x1f003f;;;SY)(A;;0x20004;;;" + client + ")S:(ML;;NW;;;LW)"},
		{"what is given counts, the rest is filled in", build(t, client, winnt.TokenPrimary, defaults),
			winnt.TokenObject, "O:SYD:(A;;GX;;;WD)",
			"O:SYG:" + group + "D:(A;;0x20005;;;WD)S:AI(ML;;NW;;;ME)"},
		{"a label given to a token is ignored, an audit entry is not", build(t, client, winnt.TokenPrimary, defaults),
			winnt.TokenObject, "D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)(ML;;NW;;;LW)",
			"O:" + group + "G:" + group + "D:(A;;0xf01ff;;;WD)S:AI(ML;;NW;;;ME)(AU;SA;GA;;;WD)"},
		{"a label given to a process stays", build(t, client, winnt.TokenPrimary, defaults), winnt.ProcessObject,
			"D:(A;;GA;;;WD)S:(ML;;NW;;;LW)",
			"O:" + group + "G:" + group + "D:(A;;0x1fffff;;;WD)S:(ML;;NW;;;LW)"},
		{"a NULL DACL is given, too", build(t, client, winnt.TokenPrimary, defaults), winnt.TokenObject,
			"D:NO_ACCESS_CONTROL", "O:" + group + "G:" + group + "D:NO_ACCESS_CONTROLS:AI(ML;;NW;;;ME)"},
		{"and protection with it", build(t, client, winnt.TokenPrimary, defaults), winnt.TokenObject,
			"D:P(A;;GA;;;WD)", "O:" + group + "G:" + group + "D:P(A;;0xf01ff;;;WD)S:AI(ML;;NW;;;ME)"},
		{"an empty DACL is one", build(t, client, winnt.TokenPrimary, defaults), winnt.TokenObject, "D:",
			"O:" + group + "G:" + group + "D:S:AI(ML;;NW;;;ME)"},
	} {
		var explicit *sd.Descriptor
		if c.explicit != "" {
			explicit = sddl.MustParse(c.explicit)
		}
		got := text(t, se.NewDescriptor(c.creator, c.typ, explicit))
		want := text(t, sddl.MustParse(c.want))
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// O-38: without a default DACL a new object is open to all.
func TestNoDefaultDACL(t *testing.T) {
	d := se.NewDescriptor(build(t, client, winnt.TokenPrimary, func(s *token.Spec) { s.DefaultDACL = nil }),
		winnt.JobObject, nil)
	if d.HasDACL() || d.DACL() != nil {
		t.Errorf("the object has a DACL: %s", text(t, d))
	}
}

// I-23: who is admitted to the copy of a client's token.
func TestCopyDescriptor(t *testing.T) {
	admins := func(attributes uint32) func(*token.Spec) {
		return func(s *token.Spec) {
			s.Groups = append(s.Groups, token.Group{SID: sid.Administrators, Attributes: attributes})
		}
	}
	const ga = "0xf01ff"
	both := "(A;;" + ga + ";;;" + client + ")(A;;" + ga + ";;;" + svc + ")(A;;" + ga + ";;;SY)"
	for _, c := range []struct {
		name            string
		client, primary *token.Token
		want            string
	}{
		{"client, server and system", build(t, client, winnt.TokenImpersonation), build(t, svc, winnt.TokenPrimary),
			both},
		{"its own user once", build(t, svc, winnt.TokenImpersonation), build(t, svc, winnt.TokenPrimary),
			"(A;;" + ga + ";;;" + svc + ")(A;;" + ga + ";;;SY)"},
		{"enabled Administrators of the server", build(t, client, winnt.TokenImpersonation),
			build(t, svc, winnt.TokenPrimary, admins(token.GroupDefault)), both + "(A;;" + ga + ";;;BA)"},
		{"not disabled ones", build(t, client, winnt.TokenImpersonation),
			build(t, svc, winnt.TokenPrimary, admins(token.GroupDisabled)), both},
		{"not deny-only ones", build(t, client, winnt.TokenImpersonation),
			build(t, svc, winnt.TokenPrimary, admins(winnt.SE_GROUP_USE_FOR_DENY_ONLY)), both},
		{"not the client's", build(t, client, winnt.TokenImpersonation, admins(token.GroupDefault)),
			build(t, svc, winnt.TokenPrimary), both},
		{"a restricted client", build(t, client, winnt.TokenImpersonation, restricted("S-1-1-0")),
			build(t, svc, winnt.TokenPrimary), both + "(A;;" + ga + ";;;RC)"},
		{"a restricted server", build(t, client, winnt.TokenImpersonation),
			build(t, svc, winnt.TokenPrimary, restricted("S-1-1-0")), both + "(A;;" + ga + ";;;RC)"},
	} {
		d := se.CopyDescriptor(c.client, c.primary)
		want := sddl.MustParse("D:" + c.want).DACL()
		if d.DACL().Binary() != want.Binary() {
			t.Errorf("%s: %s, want D:%s", c.name, text(t, d), c.want)
		}
	}
}
