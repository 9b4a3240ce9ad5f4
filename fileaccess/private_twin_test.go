package fileaccess_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// otherUsers returns tokens of users other than the user, SYSTEM and administrators: every combination of groups and of
// claims, and the anonymous token with and without Everyone.
func otherUsers(t *testing.T) []*token.Token {
	t.Helper()
	groups := []sid.SID{sid.AuthenticatedUsers, sid.Users, caseG, domain.WithRID(513), sid.Logon(0, 77)}
	var list []*token.Token
	add := func(s token.Spec, claimed int) {
		var set []claims.Attribute
		for i := range conditions {
			set = append(set, claims.Attribute{Name: fmt.Sprint("x", i), Type: claims.Int64,
				Ints: []int64{int64(claimed >> i & 1)}})
		}
		var err error
		if s.UserClaims, err = claims.NewSet(set); err != nil {
			t.Fatal(err)
		}
		list = append(list, mustToken(t, s))
	}
	for claimed := range 1 << conditions {
		for chosen := range 1 << len(groups) {
			s := token.Spec{User: token.Group{SID: domain.WithRID(4000)}, Groups: []token.Group{{SID: sid.Everyone}}}
			for i, g := range groups {
				if chosen>>i&1 != 0 {
					s.Groups = append(s.Groups, token.Group{SID: g})
				}
			}
			add(s, claimed)
		}
		// No integrity level limits them, because a label closes nothing.
		add(token.Spec{User: token.Group{SID: sid.Anonymous}}, claimed)
		add(token.Spec{User: token.Group{SID: sid.Anonymous}, Groups: []token.Group{{SID: sid.Everyone}}}, claimed)
	}
	return list
}

// conditions is the number of claims in strangers. Each conditional entry tests a different claim.
const conditions = 2

// Private finds the rights that access checks grant to strangers, each right alone: on the object, on what the user
// creates in a directory, three levels deep, and on the directory above.
func TestPrivateAgreesWithAccessChecks(t *testing.T) {
	everybody := otherUsers(t)
	r := rand.New(rand.NewPCG(randtest.Seed(t), 0))
	private := 0
	n := randtest.Size(3000)
	for range n {
		object, parent := randomSD(t, r), randomSD(t, r)
		directory := r.IntN(2) == 0
		q := fileaccess.PrivateRequest{User: caseU, Object: object, Directory: directory, Parents: []*sd.Descriptor{parent}}
		p, err := fileaccess.Private(&q)
		if err != nil {
			t.Fatalf("%s: %v", sdText(object), err)
		}
		want := map[fileaccess.Place]winnt.AccessMask{fileaccess.OnObject: strangersMay(t, everybody, object, directory),
			fileaccess.OnNew: 0, fileaccess.OnParent: strangersMay(t, everybody, parent, true) & 0xD0040}
		if directory {
			want[fileaccess.OnNew] = createdMay(t, everybody, object, 3)
		}
		got := map[fileaccess.Place]winnt.AccessMask{}
		for _, x := range p.Others {
			got[x.Place] |= x.Rights
		}
		// What is open on the directory itself is not listed again for new objects.
		got[fileaccess.OnNew] |= got[fileaccess.OnObject] & want[fileaccess.OnNew]
		for place, m := range want {
			if got[place] != m {
				t.Errorf("directory %t, %s below %s: place %d: got %s, and some token has %s\n%s", directory, sdText(object),
					sdText(parent), place, got[place], m, exposed(&p))
			}
		}
		open := want[0]|want[1]|want[2] != 0
		if p.Private() == open {
			t.Errorf("directory %t, %s below %s: private is %t, and a stranger has a right: %t", directory, sdText(object),
				sdText(parent), p.Private(), open)
		}
		if p.Private() {
			private++
		}
	}
	check.That(t, private >= n/20 && private <= n*19/20,
		"%d of %d random objects are private: the comparison says little", private, n)
}

// strangersMay returns those of the exposing rights that at least one of the tokens has, each checked alone.
func strangersMay(t *testing.T, everybody []*token.Token, d *sd.Descriptor, directory bool) (m winnt.AccessMask) {
	t.Helper()
	rights := []winnt.AccessMask{0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x100, 0x10000, 0x40000, 0x80000}
	if directory {
		rights = []winnt.AccessMask{0x1, 0x2, 0x4, 0x8, 0x10, 0x40, 0x100, 0x10000, 0x40000, 0x80000}
	}
	for _, bit := range rights {
		for _, who := range everybody {
			dec := check.Must(access.Check(who, d, bit, winnt.FileObject))
			if dec.Allowed() {
				m |= bit
				break
			}
		}
	}
	return m
}

// createdMay returns the rights of strangers on files and directories that the user creates in a directory.
func createdMay(t *testing.T, everybody []*token.Token, dir *sd.Descriptor, levels int) (m winnt.AccessMask) {
	t.Helper()
	for _, container := range []bool{false, true} {
		d := check.Result(sd.Assign(&sd.AssignRequest{Parent: dir, IsContainer: container, Flags: sd.DACLAutoInherit,
			Subject: &sd.Caller{Owner: caseU, Group: domain.WithRID(513), DefaultDACL: new(sd.ACL)},
			Mapping: &winnt.FileObject.Mapping}))
		m |= strangersMay(t, everybody, d, container)
		if container && levels > 1 {
			m |= createdMay(t, everybody, d, levels-1)
		}
	}
	return m
}

// randomSD returns a descriptor of a file server, with few enough rights that some are private.
func randomSD(t *testing.T, r *rand.Rand) *sd.Descriptor {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	text := "O:" + pick("U", "U", "SY", "BA", "G", "BU") + "D:"
	claim := 0
	for range r.IntN(6) {
		flags := pick("", "", "ID", "OICI", "CI", "OI", "OIIO", "CIIO", "OICIIO", "OINP", "CINP", "OICINPIO")
		who := pick("U", "SY", "BA", "WD", "AU", "BU", "G", "AN", "CO", "CG", "OW", "PS", "S-1-5-5-0-77", "U", "BA")
		mask := pick("FA", "FR", "FW", "0x1", "0x40", "0x120080", "0x20", "SD", "WDWO", "GR", "GX")
		kind := pick("A", "A", "D")
		if claim < conditions && r.IntN(6) == 0 {
			text += fmt.Sprintf("(X%s;%s;%s;;;%s;(@User.x%d == 1))", kind, flags, mask, who, claim)
			claim++
			continue
		}
		text += "(" + kind + ";" + flags + ";" + mask + ";;;" + who + ")"
	}
	if r.IntN(8) == 0 {
		text += "S:(ML;;NRNWNX;;;SI)"
	}
	text = strings.NewReplacer(";U)", ";"+caseU.String()+")", ";U;", ";"+caseU.String()+";", ";G)", ";"+caseG.String()+")",
		";G;", ";"+caseG.String()+";", "O:U", "O:"+caseU.String(), "O:G", "O:"+caseG.String()).Replace(text)
	d, err := sddl.Parse(text, sddl.Options{Domain: domain, Extended: true})
	check.RequireThat(t, err == nil, "%s: %v", text, err)
	return d
}
