package se_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestCopyDescriptorWhole: the copy that an open makes has the client's owner, group and
// label, and entries for the client, the server's user, SYSTEM, Administrators where they
// are enabled in the server's token, and RESTRICTED where either token is restricted (I-23).
func TestCopyDescriptorWhole(t *testing.T) {
	const group, other = "S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-2002"
	in := func(g string) func(*token.Spec) {
		return func(s *token.Spec) {
			primary(g)(s)
			s.Owner = s.PrimaryGroup
		}
	}
	admin := func(a uint32) func(*token.Spec) {
		return func(s *token.Spec) {
			s.Groups = append(s.Groups, token.Group{SID: sid.Administrators, Attributes: a})
		}
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
				t.Errorf("I-23: %s: an entry %v of flags %#x grants %#x", c.name, a.Type(), a.Flags(), uint32(a.Mask()))
			}
			letter := map[sid.SID]string{sid.MustParse(client): "C", sid.MustParse(svc): "P", sid.LocalSystem: "S",
				sid.Administrators: "A", sid.Restricted: "R"}[a.SID()]
			who += " " + letter
		}
		if want := " " + c.want; who != want {
			t.Errorf("I-23: %s: entries for%s, want%s", c.name, who, want)
		}
		rest, err := sddl.Format(sd.New(sd.Parts{Control: d.Control() &^ sd.DACLPresent, Owner: d.Owner(), Group: d.Group(),
			SACL: d.SACL()}), sddl.Options{})
		if err != nil || rest != "O:"+group+"G:"+group+"S:AI(ML;;NW;;;LW)" {
			t.Errorf("I-23: %s: %s, %v", c.name, rest, err)
		}
	}
}

// TestProvedLogons: the logons that brought a proof are told, all of them and no others.
func TestProvedLogons(t *testing.T) {
	s := se.NewState()
	var want []string
	for i, proof := range []string{"a", "", "b", ""} {
		id := winnt.LUID(0x10000 + i)
		s.Sessions.Open(id)
		s.Sessions.Note(se.Logon{Proof: proof, Token: build(t, client, winnt.TokenPrimary, func(s *token.Spec) {
			s.AuthenticationID = id
		})})
		if proof != "" {
			want = append(want, proof)
		}
		if got := s.Sessions.Proof(id); got != proof {
			t.Errorf("session %d: %q, want %q", i, got, proof)
		}
	}
	var got []string
	for _, l := range s.Sessions.Proved() {
		got = append(got, l.Proof)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("proved are %q, want %q", got, want)
	}
}
