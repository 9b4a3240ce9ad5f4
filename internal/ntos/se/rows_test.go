package se_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestFirstRowDecides: whichever rows of the table apply beside each other, the first of
// them decides (I-42). The order is written down here once more.
func TestFirstRowDecides(t *testing.T) {
	const other = "S-1-5-21-1-2-3-1001"
	// Each condition changes the process's token, the client's or both.
	conditions := []struct {
		row            string
		allowed        bool
		server, client func(*token.Spec)
	}{
		{"b", true, nil, anonymous("*SYSTEM*")},
		{"d", true, privilege, nil},
		{"c", false, nil, anonymous("NtLmSsp")},
		{"e", true, nil, origin(session)},
		{"f", false, nil, func(s *token.Spec) { s.User.SID = sid.MustParse(other) }},
		{"g", false, nil, restricted("S-1-1-0")},
		{"h", false, nil, integrity(0x3000)},
		{"h2", false, nil, elevation(winnt.TokenElevationTypeFull)},
		{"i", false, box("1-2-3"), nil},
	}
	same := true
	for set := range 1 << len(conditions) {
		if set&5 == 5 {
			continue // one source or the other
		}
		var server, client []func(*token.Spec)
		row, allowed := "j", true
		for i := len(conditions) - 1; i >= 0; i-- {
			c := conditions[i]
			if set&(1<<i) == 0 {
				continue
			}
			if c.server != nil {
				server = append(server, c.server)
			}
			if c.client != nil {
				client = append(client, c.client)
			}
			if c.row != "e" || set&(1<<6) == 0 { // an explicit logon is not above the server
				row, allowed = c.row, c.allowed
			}
		}
		p, tok := build(t, svc, winnt.TokenPrimary, server...), build(t, svc, winnt.TokenImpersonation, client...)
		for _, profile := range []nt.Profile{nt.Documented, nt.Observed} {
			ok, got := se.CanImpersonate(p, tok, winnt.SecurityImpersonation, profile)
			if ok != allowed || got != row {
				same = false
				t.Errorf("I-42: conditions %09b: %t by row %s, want %t by %s", set, ok, got, allowed, row)
			}
			if ok, got := se.CanImpersonate(p, tok, winnt.SecurityIdentification, profile); !ok || got != "a" {
				t.Errorf("I-42: conditions %09b: to identify: %t by row %s", set, ok, got)
			}
		}
		if !same {
			return
		}
	}
}

// TestEachRowHasItsWords: no two rows are explained in the same words.
func TestEachRowHasItsWords(t *testing.T) {
	words := map[string]string{}
	for _, row := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "h2", "i", "j"} {
		text := se.RowText(row)
		if words[text] != "" {
			t.Errorf("rows %s and %s: %s", words[text], row, text)
		}
		words[text] = row
	}
}

// TestDescent: a copy stands for its token, also a copy of a copy; what was filtered from
// either descends from all of them, and from nothing else; no token descends from what was
// filtered from it (I-90).
func TestDescent(t *testing.T) {
	s := se.NewState()
	v := build(t, svc, winnt.TokenPrimary)
	root, stranger := s.NewToken(v, nil), s.NewToken(v, nil)
	copied := s.NewCopy(root, v, nil)
	again := s.NewCopy(copied, v, nil)
	child := s.NewFiltered(again, v, nil)
	grandchild := s.NewFiltered(s.NewCopy(child, v, nil), v, nil)
	sibling := s.NewFiltered(root, v, nil)
	all := []*se.TokenObject{root, copied, again, child, grandchild, sibling, stranger}
	names := []string{"root", "copied", "again", "child", "grandchild", "sibling", "stranger"}
	from := [][]int{{0, 1, 2}, {0, 1, 2}, {0, 1, 2}, {0, 1, 2, 3}, {0, 1, 2, 3, 4}, {0, 1, 2, 5}, {6}}
	for i, x := range all {
		for j, y := range all {
			want := false
			for _, k := range from[i] {
				want = want || k == j
			}
			if got := x.DescendsFrom(y); got != want {
				t.Errorf("I-90: %s descends from %s: %t", names[i], names[j], got)
			}
		}
		if i > 0 && x.ID() == root.ID() {
			t.Errorf("T-55: %s has the id of another object", names[i])
		}
	}
	for _, x := range all {
		x.Deref(ob.TagCall)
	}
}

// TestPrimaryOfAChild: the token of a child is a primary one; the program's integrity counts
// where it is lower and the policy says so, and changes nothing else (T-113).
func TestPrimaryOfAChild(t *testing.T) {
	const newProcess = winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN
	for i, c := range []struct {
		typ           winnt.TokenType
		policy, image uint32
		want          uint32
	}{
		{winnt.TokenPrimary, newProcess, 0x1000, 0x1000}, {winnt.TokenPrimary, newProcess, 0x1FFF, 0x1FFF},
		{winnt.TokenPrimary, newProcess, 0x2000, 0x2000}, {winnt.TokenPrimary, newProcess, 0x2001, 0x2000},
		{winnt.TokenPrimary, newProcess, se.Unlabelled, 0x2000}, {winnt.TokenPrimary, 1, 0x1000, 0x2000},
		{winnt.TokenPrimary, 0, 0, 0x2000}, {winnt.TokenPrimary, newProcess | 1, 0, 0},
		{winnt.TokenImpersonation, newProcess, 0x1000, 0x1000}, {winnt.TokenImpersonation, 0, 0x1000, 0x2000},
	} {
		tok := build(t, svc, c.typ, func(s *token.Spec) { s.MandatoryPolicy, s.ModifiedID = c.policy, 55 })
		v, st := se.Primary(tok, c.image)
		if st != 0 || v.Type() != winnt.TokenPrimary || v.Level() != 0 || v.Integrity() != c.want ||
			v.ModifiedID() != 55 || v.User().SID != tok.User().SID || v.AuthenticationID() != tok.AuthenticationID() {
			t.Errorf("T-113: %d: %v, type %v, level %v, integrity %#x, modified %d", i, st, v.Type(), v.Level(),
				v.Integrity(), v.ModifiedID())
		}
		if c.typ == winnt.TokenPrimary && c.want == 0x2000 && v != tok {
			t.Errorf("T-113: %d: a copy without a need", i)
		}
	}
}

// TestPartsOfANewDescriptor: each part that is given counts, and each that is not is the
// creator's; a list that is given as NULL is given (O-38, O-39).
func TestPartsOfANewDescriptor(t *testing.T) {
	creator := build(t, svc, winnt.TokenPrimary, primary("S-1-5-21-1-2-3-513"))
	bare := build(t, svc, winnt.TokenPrimary, func(s *token.Spec) { s.DefaultDACL = nil })
	ace, err := sd.NewACE(sd.AccessAllowed, 0, winnt.GENERIC_READ, sid.Users)
	if err != nil {
		t.Fatal(err)
	}
	acl, err := sd.NewACL(ace)
	if err != nil {
		t.Fatal(err)
	}
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
		p := se.NewDescriptor(c.creator, winnt.EventObject, c.explicit).Parts()
		if p.Owner != c.owner || p.Group != c.group || p.Control&sd.DACLPresent != 0 != c.present ||
			p.Control&sd.DACLProtected != 0 != c.protected || p.Control&sd.SACLAutoInherited != 0 || p.SACL != nil {
			t.Errorf("O-38: %d: %+v", i, p)
		}
		entries := c.entries
		if entries < 0 {
			entries = c.creator.DefaultDACL().Len()
		}
		if p.DACL.Len() != entries || c.entries == 0 && p.DACL != nil {
			t.Errorf("O-38: %d: %d entries, want %d", i, p.DACL.Len(), entries)
		}
		for _, a := range p.DACL.All() {
			if a.Mask()&winnt.GENERIC_RIGHTS != 0 || c.entries == 1 && a.Mask() != winnt.EventObject.Mapping.Read {
				t.Errorf("O-38: %d: an entry for %#x", i, uint32(a.Mask()))
			}
		}
	}
}

// TestLabelOfEachType: which types are labelled, with which policy and at which integrity of
// their creator (O-39).
func TestLabelOfEachType(t *testing.T) {
	const up, read = winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP
	for _, c := range []struct {
		typ         *winnt.ObjectType
		low, medium winnt.AccessMask // 0 for no label
		inherited   bool
	}{
		{winnt.ProcessObject, up | read, up | read, false}, {winnt.ThreadObject, up | read, up | read, false},
		{winnt.TokenObject, up, up, true}, {winnt.EventObject, up, 0, false},
		{winnt.JobObject, up, 0, false}, {winnt.FileObject, up, 0, false},
	} {
		for rid, mask := range map[uint32]winnt.AccessMask{0x1000: c.low, 0x1FFF: c.low, 0x2000: c.medium,
			0x3000: c.medium} {
			creator := build(t, svc, winnt.TokenPrimary, integrity(rid))
			d := se.NewDescriptor(creator, c.typ, nil)
			if got := d.Parts().Control&sd.SACLAutoInherited != 0; got != c.inherited {
				t.Errorf("O-39: %s: inherited %t", c.typ.Name, got)
			}
			if mask == 0 {
				if d.SACL() != nil {
					t.Errorf("O-39: %s of %#x has a label", c.typ.Name, rid)
				}
				continue
			}
			a := d.SACL().At(0)
			if d.SACL().Len() != 1 || a.Type() != sd.SystemMandatoryLabel || a.Mask() != mask ||
				a.SID() != se.IntegritySID(rid) {
				t.Errorf("O-39: %s of %#x: %v", c.typ.Name, rid, a)
			}
		}
	}
}
