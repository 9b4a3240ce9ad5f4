package se_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func text(tb testing.TB, d *sd.Descriptor) string {
	tb.Helper()
	return check.Must(sddl.Format(d, sddl.Options{}))
}

func acl(tb testing.TB, dacl string) *sd.ACL {
	tb.Helper()
	return sddl.MustParse("D:" + dacl).DACL()
}

// A new object without a descriptor gets the defaults of its type (O-38, O-39).
func TestObjectWithoutDescriptorGetsTypeDefault(t *testing.T) {
	const group, box = "S-1-5-21-1-2-3-2001", "S-1-15-2-1-2-3-4-5-6-7"
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
		{"a process has a label that forbids reading from below", build(t, client, winnt.TokenPrimary, defaults),
			winnt.ProcessObject, "",
			"O:" + group + "G:" + group + "D:(A;;0x1fffff;;;SY)(A;;0x20410;;;" + client + ")S:(ML;;NWNR;;;ME)"},
		{"other types have no label at Medium", build(t, client, winnt.TokenPrimary, defaults), winnt.JobObject, "",
			"O:" + group + "G:" + group + "D:(A;;0x1f003f;;;SY)(A;;0x20004;;;" + client + ")"},
		{"other types below Medium", build(t, client, winnt.TokenPrimary, defaults, integrity(0x1000)), winnt.JobObject, "",
			"O:" + group + "G:" + group + "D:(A;;0x1f003f;;;SY)(A;;0x20004;;;" + client + ")S:(ML;;NW;;;LW)"},
		{"a thread has the label of a process, and the creator's integrity",
			build(t, client, winnt.TokenPrimary, defaults, integrity(0x3000)), winnt.ThreadObject, "D:",
			"O:" + group + "G:" + group + "D:S:(ML;;NWNR;;;HI)"},
		{"any integrity below Medium", build(t, client, winnt.TokenPrimary, defaults, integrity(0x1FFF)), winnt.EventObject,
			"D:", "O:" + group + "G:" + group + "D:S:(ML;;NW;;;S-1-16-8191)"},
		{"an AppContainer gets an entry in the default DACL", check.Result(build(t, client, winnt.TokenPrimary,
			defaults).LowBox(token.LowBoxSpec{Package: sid.MustParse(box), Number: 1})), winnt.JobObject, "",
			"O:" + group + "G:" + group + "D:(A;;0x1f003f;;;SY)(A;;0x20004;;;" + client + ")(A;;0x1f003f;;;" + box +
				")S:(ML;;NW;;;LW)"},
		{"and none in a given one", check.Result(build(t, client, winnt.TokenPrimary, defaults).LowBox(
			token.LowBoxSpec{Package: sid.MustParse(box), Number: 1})), winnt.ThreadObject, "D:(A;;GA;;;WD)",
			"O:" + group + "G:" + group + "D:(A;;0x1fffff;;;WD)S:(ML;;NWNR;;;LW)"},
		{"given parts are used, missing parts get defaults", build(t, client, winnt.TokenPrimary, defaults),
			winnt.TokenObject, "O:SYD:(A;;GX;;;WD)", "O:SYG:" + group + "D:(A;;0x20005;;;WD)S:AI(ML;;NW;;;ME)"},
		{"a label given to a token is ignored, an audit entry is not", build(t, client, winnt.TokenPrimary, defaults),
			winnt.TokenObject, "D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)(ML;;NW;;;LW)(ML;OIIO;NW;;;LW)",
			"O:" + group + "G:" + group + "D:(A;;0xf01ff;;;WD)S:AI(ML;;NW;;;ME)(AU;SA;GA;;;WD)"},
		{"a label given to a process stays", build(t, client, winnt.TokenPrimary, defaults), winnt.ProcessObject,
			"D:(A;;GA;;;WD)S:(ML;;NW;;;LW)", "O:" + group + "G:" + group + "D:(A;;0x1fffff;;;WD)S:(ML;;NW;;;LW)"},
		{"an inherit-only label is not the label of the process", build(t, client, winnt.TokenPrimary, defaults),
			winnt.ProcessObject, "D:(A;;GA;;;WD)S:(ML;OIIO;NW;;;LW)",
			"O:" + group + "G:" + group + "D:(A;;0x1fffff;;;WD)S:(ML;;NWNR;;;ME)(ML;OIIO;NW;;;LW)"},
		{"a NULL DACL counts as given", build(t, client, winnt.TokenPrimary, defaults), winnt.TokenObject,
			"D:NO_ACCESS_CONTROL", "O:" + group + "G:" + group + "D:NO_ACCESS_CONTROLS:AI(ML;;NW;;;ME)"},
		{"a protected DACL stays protected", build(t, client, winnt.TokenPrimary, defaults), winnt.TokenObject,
			"D:P(A;;GA;;;WD)", "O:" + group + "G:" + group + "D:P(A;;0xf01ff;;;WD)S:AI(ML;;NW;;;ME)"},
		{"an empty DACL counts as given", build(t, client, winnt.TokenPrimary, defaults), winnt.TokenObject, "D:",
			"O:" + group + "G:" + group + "D:S:AI(ML;;NW;;;ME)"},
	} {
		var explicit *sd.Descriptor
		if c.explicit != "" {
			explicit = sddl.MustParse(c.explicit)
		}
		got := text(t, check.Result(se.NewDescriptor(c.creator, c.typ, explicit)))
		want := text(t, sddl.MustParse(c.want))
		check.That(t, got == want, "%s:\n got %s\nwant %s", c.name, got, want)
	}
}

// A default DACL that is too long to be mapped grants nothing. A caller who passes such a list is refused (S-17).
func TestUnmappableListGrantsNothing(t *testing.T) {
	// One entry is of an unknown type, so the size of the list is even but no multiple of four.
	const size, grant = 65534, "\x00\x00\x14\x00\x00\x00\x00\x10\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00\x00\x00"
	head := "\x02\x00\xfe\xff\x02\x00\x00\x00" + grant + "\x7f\x00\xe2\xff"
	long, _, err := sd.DecodeACL([]byte(head + strings.Repeat("\x00", size-len(head))))
	check.NoError(t, err)
	creator := build(t, client, winnt.TokenPrimary, func(s *token.Spec) { s.DefaultDACL = long })
	d := se.DefaultDescriptor(creator, winnt.JobObject)
	check.That(t, d.Control()&sd.DACLPresent != 0 && d.DACL() != nil && d.DACL().Len() == 0,
		"S-17: DACL %v, want an empty list", d.DACL())
	_, st := se.NewDescriptor(creator, winnt.JobObject, sd.New(sd.Parts{DACL: long}))
	check.Equal(t, st, ntstatus.InvalidACL, "S-17: a descriptor with the list")
}

// TestTokenCopyHasClientsOwnerAndLabel checks the descriptor of the copy that an open makes: the client's owner,
// group and label, and entries for the client, the server's user, SYSTEM, Administrators if enabled in the server's
// token, and RESTRICTED if either token is restricted (I-23).
func TestTokenCopyHasClientsOwnerAndLabel(t *testing.T) {
	const group, other = "S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-2002"
	in := func(g string) func(*token.Spec) {
		return func(s *token.Spec) {
			primary(g)(s)
			s.Owner = s.PrimaryGroup
		}
	}
	admin := func(a uint32) func(*token.Spec) {
		return func(s *token.Spec) { s.Groups = append(s.Groups, token.Group{SID: sid.Administrators, Attributes: a}) }
	}
	nothing := func(*token.Spec) {}
	for _, c := range []struct {
		name           string
		client, server func(*token.Spec)
		user           string // the server's
		want           string
	}{
		{"two users", nothing, nothing, svc, "C P S"},
		{"one user", nothing, nothing, client, "C S"},
		{"an administrator", nothing, admin(token.GroupDefault), svc, "C P S A"},
		{"administrators that only deny", nothing, admin(winnt.SE_GROUP_USE_FOR_DENY_ONLY), svc, "C P S"},
		{"administrators that are off", nothing, admin(winnt.SE_GROUP_ENABLED_BY_DEFAULT), svc, "C P S"},
		{"an administrator as client", admin(token.GroupDefault), nothing, svc, "C P S"},
		{"a restricted client", restricted("S-1-5-32-545"), nothing, svc, "C P S R"},
		{"a restricted server", nothing, restricted("S-1-5-32-545"), svc, "C P S R"},
	} {
		tok := build(t, client, winnt.TokenImpersonation, in(group), c.client, integrity(0x1000))
		d := se.CopyDescriptor(tok, build(t, c.user, winnt.TokenPrimary, in(other), c.server))
		var who string
		for _, a := range d.DACL().Slice() {
			if a.Type() != sd.AccessAllowed || a.Flags() != 0 || a.Mask() != winnt.TOKEN_ALL_ACCESS {
				t.Errorf("I-23: %s: entry of type %v, flags %#x, rights %#x, want an allow entry with all token "+
					"rights",
					c.name, a.Type(), a.Flags(), uint32(a.Mask()))
			}
			letter := map[sid.SID]string{sid.MustParse(client): "C", sid.MustParse(svc): "P", sid.LocalSystem: "S",
				sid.Administrators: "A", sid.Restricted: "R"}[a.SID()]
			who += " " + letter
		}
		if want := " " + c.want; who != want {
			t.Errorf("I-23: %s: entries for%s, want for%s", c.name, who, want)
		}
		rest, err := sddl.Format(sd.New(sd.Parts{Control: d.Control() &^ sd.DACLPresent, Owner: d.Owner(), Group: d.Group(),
			SACL: d.SACL()}), sddl.Options{})
		check.That(t, err == nil && rest == "O:"+group+"G:"+group+"S:AI(ML;;NW;;;LW)",
			"I-23: %s: owner, group and label = %s, %v, want %s, nil", c.name, rest, err,
			"O:"+group+"G:"+group+"S:AI(ML;;NW;;;LW)")
	}
}

// Each part of the creator's descriptor is used, and missing parts come from the creator's defaults. A NULL list
// counts as present (O-38, O-39).
func TestCreatorsDescriptorPartsAreUsed(t *testing.T) {
	creator := build(t, svc, winnt.TokenPrimary, primary("S-1-5-21-1-2-3-513"))
	bare := build(t, svc, winnt.TokenPrimary, func(s *token.Spec) { s.DefaultDACL = nil })
	ace := check.Must(sd.NewACE(sd.AccessAllowed, 0, winnt.GENERIC_READ, sid.Users))
	acl := check.Must(sd.NewACL(ace))
	given := sid.MustParse("S-1-5-21-9-9-9-9")
	for i, c := range []struct {
		creator      *token.Token
		explicit     *sd.Descriptor
		owner, group sid.SID
		present      bool
		entries      int // of the DACL; -1 for the creator's
		protected    bool
	}{
		{creator, nil, creator.Owner(), creator.PrimaryGroup(), true, -1, false},
		{creator, sd.New(sd.Parts{Owner: given}), given, creator.PrimaryGroup(), true, -1, false},
		{creator, sd.New(sd.Parts{Group: given}), creator.Owner(), given, true, -1, false},
		{creator, sd.New(sd.Parts{DACL: acl, Control: sd.DACLProtected}), creator.Owner(), creator.PrimaryGroup(), true, 1,
			true},
		{creator, sd.New(sd.Parts{Control: sd.DACLPresent}), creator.Owner(), creator.PrimaryGroup(), true, 0, false},
		{creator, sd.New(sd.Parts{Control: sd.DACLProtected}), creator.Owner(), creator.PrimaryGroup(), true, -1, false},
		{bare, nil, bare.Owner(), bare.PrimaryGroup(), false, 0, false},
		{bare, sd.New(sd.Parts{DACL: acl}), bare.Owner(), bare.PrimaryGroup(), true, 1, false},
	} {
		p := check.Result(se.NewDescriptor(c.creator, winnt.EventObject, c.explicit)).Parts()
		check.That(t, p.Owner == c.owner && p.Group == c.group && p.Control&sd.DACLPresent != 0 == c.present &&
			p.Control&sd.DACLProtected != 0 == c.protected && p.Control&sd.SACLAutoInherited == 0 && p.SACL == nil,
			"O-38: case %d: parts %+v, want owner %v, group %v, DACL present %v, protected %v", i, p, c.owner, c.group,
			c.present, c.protected)
		entries := c.entries
		if entries < 0 {
			entries = c.creator.DefaultDACL().Len()
		}
		if p.DACL.Len() != entries || c.entries == 0 && p.DACL != nil {
			t.Errorf("O-38: case %d: DACL has %d entries, want %d", i, p.DACL.Len(), entries)
		}
		for _, a := range p.DACL.All() {
			if a.Mask()&winnt.GENERIC_RIGHTS != 0 || c.entries == 1 && a.Mask() != winnt.EventObject.Mapping.Read {
				t.Errorf("O-38: case %d: entry grants %#x, want mapped rights", i, uint32(a.Mask()))
			}
		}
	}
}
