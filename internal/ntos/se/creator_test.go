package se_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Each field of a creator comes from the client or from the server's process. The client's privileges count from
// SecurityImpersonation on (T-102).
func TestCreatorSeparatesClientAndServer(t *testing.T) {
	const group, other = "S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-2002"
	whose := func(g string) func(*token.Spec) {
		return func(s *token.Spec) {
			primary(g)(s)
			s.Owner = s.User.SID
			s.DefaultDACL = acl(t, "(A;;GR;;;"+g+")")
		}
	}
	trust := func(s *token.Spec) { s.TrustLevel = sid.MustParse("S-1-19-512-8192") }
	all := winnt.Privileges(winnt.SeRestorePrivilege, winnt.SeSecurityPrivilege, winnt.SeRelabelPrivilege)
	for _, p := range []winnt.Privilege{0, winnt.SeRestorePrivilege, winnt.SeSecurityPrivilege, winnt.SeRelabelPrivilege} {
		held := func(s *token.Spec) {
			if p != 0 {
				s.Privileges, s.EnabledPrivileges = s.Privileges|p.Bit(), s.EnabledPrivileges|p.Bit()
			}
		}
		server := build(t, svc, winnt.TokenPrimary, whose(other), func(s *token.Spec) {
			s.Privileges, s.EnabledPrivileges = s.Privileges|all, s.EnabledPrivileges|all
		})
		c := build(t, client, winnt.TokenImpersonation, whose(group), held, trust, integrity(0x1000))
		for level := winnt.SecurityIdentification; level <= winnt.SecurityDelegation; level++ {
			got := se.Creator(&access.Subject{Primary: server, Client: c, Level: level}, false)
			counts := level >= winnt.SecurityImpersonation
			want := sd.Caller{Owner: sid.MustParse(client), Group: sid.MustParse(group), ServerOwner: sid.MustParse(svc),
				ServerGroup: sid.MustParse(other), DefaultDACL: c.DefaultDACL(), Integrity: sid.LowLevel, Trust: c.TrustLevel(),
				Restore: counts && p == winnt.SeRestorePrivilege, Security: counts && p == winnt.SeSecurityPrivilege,
				Relabel: counts && p == winnt.SeRelabelPrivilege}
			got.MayOwn = nil
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("T-102: creator at level %v:\n%+v, want\n%+v", level, *got, want)
			}
		}
		k := se.Creator(&access.Subject{Primary: server}, true)
		check.That(t, k.Kernel && k.Restore && k.Security && k.Relabel && k.Owner == sid.MustParse(svc),
			"creator in kernel mode = %+v, want all privileges and the process's owner", k)
	}
}

// TestOwnerIsUserOrOwnerGroup checks that an owner must be the user or an enabled group with the owner attribute
// (S-61).
func TestOwnerIsUserOrOwnerGroup(t *testing.T) {
	const on, owner, deny uint32 = winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_OWNER, winnt.SE_GROUP_USE_FOR_DENY_ONLY
	group := sid.MustParse("S-1-5-21-1-2-3-2001")
	for a, want := range map[uint32]bool{on | owner: true, on: false, owner: false, owner | deny: false, 0: false} {
		tok := build(t, client, winnt.TokenPrimary, func(s *token.Spec) {
			s.Groups = append(s.Groups, token.Group{SID: sid.Guests, Attributes: on | owner},
				token.Group{SID: group, Attributes: a})
		})
		c := se.Creator(&access.Subject{Primary: tok}, false)
		if c.MayOwn(group) != want || !c.MayOwn(tok.User().SID) || c.MayOwn(sid.LocalSystem) || !c.MayOwn(sid.Guests) {
			t.Errorf("S-61: group with attributes %#x may own: %t, want %t", a, c.MayOwn(group), want)
		}
	}
}

// TestTokenKeepsLabelWhenSACLIsSet checks that a token keeps its label when its SACL is set. The new list's other
// entries are stored, and nothing changes without a part of the SACL (O-39).
func TestTokenKeepsLabelWhenSACLIsSet(t *testing.T) {
	const label = "(ML;;NW;;;HI)"
	const all = `(AU;FA;WD;;;WD)(RA;;;;;WD;("x",TI,0x0,1))(SP;;;;;S-1-17-1)(TL;;CC;;;S-1-19-512-1024)`
	for _, c := range []struct {
		old, changed, want string
		info               uint32
	}{
		{label, "(ML;;NW;;;LW)", label, winnt.LABEL_SECURITY_INFORMATION},
		{label, "(ML;;NW;;;LW)", "(ML;;NW;;;LW)", winnt.DACL_SECURITY_INFORMATION},
		{label, "(AU;SA;WD;;;WD)", label + "(AU;SA;WD;;;WD)", winnt.SACL_SECURITY_INFORMATION},
		{label + "(AU;FA;WD;;;WD)", "(AU;SA;WD;;;WD)(ML;;NR;;;LW)", label + "(AU;SA;WD;;;WD)",
			winnt.SACL_SECURITY_INFORMATION},
		{label, all + "(ML;;NR;;;LW)", label + all, winnt.SACL_SECURITY_INFORMATION},
		{label + all, "(AU;SA;WD;;;WD)", label + "(AU;SA;WD;;;WD)", winnt.BACKUP_SECURITY_INFORMATION},
		{label, "", label, winnt.SACL_SECURITY_INFORMATION}, {label, "", label, winnt.BACKUP_SECURITY_INFORMATION},
		{"(AU;FA;WD;;;WD)", "(ML;;NW;;;LW)", "NO_ACCESS_CONTROL", winnt.LABEL_SECURITY_INFORMATION},
	} {
		old := sddl.MustParse("O:SYG:SYD:S:AI" + c.old)
		d, st := se.KeepLabel(old, sddl.MustParse("O:SYG:SYD:S:AI"+c.changed), c.info)
		want := "O:SYG:SYD:S:" + c.want
		if c.info == winnt.DACL_SECURITY_INFORMATION {
			want = "O:SYG:SYD:S:AI" + c.want
		}
		if st != ntstatus.Success || text(t, d) != want && text(t, d)+"S:" != want {
			t.Errorf("O-39: %s set to %s: %v, descriptor %s, want %s", c.old, c.changed, st, text(t, d), want)
		}
	}
	var long []sd.ACE
	audit := sddl.MustParse("S:(AU;SA;WD;;;WD)").SACL().Slice()[0]
	for range (sd.MaxACLSize - 8) / 20 {
		long = append(long, audit)
	}
	list := check.Must(sd.NewACL(long...))
	d, st := se.KeepLabel(sddl.MustParse("O:SYG:SYS:"+label), sd.New(sd.Parts{Control: sd.SACLPresent, SACL: list}),
		winnt.SACL_SECURITY_INFORMATION)
	check.That(t, st == ntstatus.InvalidACL && d == nil,
		"O-39: SACL without room for the label: %v, want STATUS_INVALID_ACL and no descriptor", st)
}

// AttachPrimary reports the first process of a token, and the next one after all have ended (T-112).
func TestAttachPrimaryReportsFirstProcess(t *testing.T) {
	tok := se.NewState(0).NewToken(build(t, client, winnt.TokenPrimary), nil)
	defer tok.Deref(ob.TagCall)
	for range 2 {
		check.That(t, !tok.InUse() && tok.AttachPrimary() && !tok.AttachPrimary() && tok.InUse(),
			"T-112: AttachPrimary must succeed for the first process and fail for the second")
		tok.DetachPrimary()
		check.That(t, tok.InUse(), "T-112: token not in use although one process still has it, want in use")
		tok.DetachPrimary()
	}
}

// TestLUIDsAreUnique checks that a LUID that a token brings with it is not assigned again, and that one of the highest,
// after which the numbers would run out, leaves them as they are (T-69).
func TestLUIDsAreUnique(t *testing.T) {
	s := se.NewState(0)
	v := check.Result(build(t, client, winnt.TokenPrimary).LowBox(token.LowBoxSpec{Package: sid.AppContainer("p"),
		Number: 3}))
	tok := s.NewToken(v, nil)
	defer tok.Deref(ob.TagCall)
	for _, name := range []string{"a", "b", "c"} {
		if x := s.Boxes.Hold(9, sid.AppContainer(name)); x.Number() <= 3 {
			t.Errorf("T-69: package %s got number %d, want more than 3", name, x.Number())
		}
	}
	for i, number := range []uint32{math.MaxUint32 - 1, math.MaxUint32} {
		v = check.Result(build(t, client, winnt.TokenPrimary).LowBox(token.LowBoxSpec{
			Package: sid.AppContainer(fmt.Sprint("q", i)), Number: number}))
		highest := s.NewToken(v, nil)
		defer highest.Deref(ob.TagCall)
	}
	for i, name := range []string{"d", "e"} {
		check.Equal(t, s.Boxes.Hold(9, sid.AppContainer(name)).Number(), uint32(7+i), "T-69: number of package %s", name)
	}
}
