package bulk_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// objectTypes are GUIDs that entries of the random directories name.
var objectTypes = []string{"member", "Membership", "User-Force-Change-Password", "DS-Replication-Get-Changes",
	"DS-Replication-Get-Changes-All", "servicePrincipalName", "group", "User-Account-Restrictions"}

// randomDirectoryACL returns a descriptor with entries for object types, allowing
// and denying, among plain ones, some of them with conditions or for PRINCIPAL SELF and
// OWNER RIGHTS.
func randomDirectoryACL(rng *rand.Rand, s company.Sample) string {
	masks := []string{"0x20", "0x100", "0x130", "0xf01ff", "0x40000", "0x80000", "0x20028", "0x8"}
	group := func() string { return fmt.Sprintf("%s-%d", company.Domain, 20000+rng.IntN(s.Groups)) }
	text := "O:" + []string{"DU", group()}[rng.IntN(2)] + "G:DUD:"
	for range 1 + rng.IntN(7) {
		who := group()
		switch rng.IntN(16) {
		case 0, 1:
			who = "PS"
		case 2:
			who = "OW"
		case 3:
			text += fmt.Sprintf("(XA;;%s;;;AU;(Not_Member_of{SID(%s)}))", masks[rng.IntN(len(masks))], group())
			continue
		}
		kind, object := []string{"A", "A", "D"}[rng.IntN(3)], ""
		if rng.IntN(3) > 0 {
			kind = "O" + kind
			chain := check.Must(words.Chain(objectTypes[rng.IntN(len(objectTypes))]))
			object = chain[len(chain)-1].String()
		}
		text += fmt.Sprintf("(%s;;%s;%s;;%s)", kind, masks[rng.IntN(len(masks))], object, who)
	}
	return text
}

// granted runs the scalar check for every part of a right.
func granted(t *testing.T, r words.Right, p access.Subject, d *sd.Descriptor, self sid.SID) bool {
	t.Helper()
	typ, n := winnt.DirectoryServiceObject, 0
	parts := r.Parts(typ)
	for _, part := range parts {
		q := &access.Request{Descriptor: d, Subject: p, Desired: part.Mask, Type: typ, Self: self, ObjectTypes: part.List()}
		if check.Must(access.SeAccessCheck(q)).Allowed() {
			n++
		}
	}
	return n == len(parts) || r.Any() && n > 0
}

// TestDirectoryRightWordsEqualAccessCheck compares directory rights by word, with their object types, with the scalar
// check with an object type list, pair by pair. PRINCIPAL SELF is the object's own SID.
func TestDirectoryRightWordsEqualAccessCheck(t *testing.T) {
	s := company.Sample{Seed: randtest.Seed(t), Objects: 1, Descriptors: 1, Principals: 70, Groups: 12}
	dir, _ := sample(t, s)
	rng := rand.New(rand.NewPCG(s.Seed, 9))
	rights := check.Must(words.Parse("AddMember+ForceChangePassword+DCSync+WriteSPN+GenericAll+control+" +
		"AllExtendedRights+WP:group+AddAllowedToAct"))
	pairs := randtest.Count(t, "REFMON_PAIRS", 100_000)
	var text strings.Builder
	var selves []sid.SID
	n := max(pairs/len(rights)/len(dir.Principals)+1, 100)
	for i := range n {
		who := dir.Principals[rng.IntN(len(dir.Principals))].Token.User().SID
		if i%4 == 0 { // it has no SID
			who = sid.SID{}
		}
		acl := randomDirectoryACL(rng, s)
		selves = append(selves, who)
		fmt.Fprintf(&text, `{"path":"/%d","sd":"%s"`, i, acl)
		if !who.IsZero() {
			fmt.Fprintf(&text, `,"sid":"%v"`, who)
		}
		text.WriteString("}\n")
	}
	r := &bulk.Run{Directory: dir, Rights: rights, Type: winnt.DirectoryServiceObject, Format: bulk.JSONL}
	rows, allowed := decode[whoRow](t, rowsOf(t, r, text.String())), map[string]int{}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	for i, line := range lines {
		d := check.Must(sddl.Parse(strings.Split(line, `"`)[7], sddl.Options{Domain: dir.Domain}))
		for j, right := range rights {
			var want []string
			for _, p := range dir.Principals {
				if granted(t, right, access.SubjectOf(p.Token), d, selves[i]) {
					want = append(want, p.Name)
				}
			}
			allowed[right.Name] += len(want)
			got := rows[i*len(rights)+j]
			check.RequireThat(t, got.Right == right.Name && slices.Equal(got.Principals, want), "%s\n%+v\nwant %v", line,
				got, want)
		}
	}
	r = &bulk.Run{Directory: dir, Rights: rights[:2], Type: r.Type, Format: bulk.JSONL} // each is one part of another type
	for i, row := range decode[whoRow](t, rowsOf(t, r, text.String())) {
		check.DeepEqual(t, row, rows[i/2*len(rights)+i%2], "row of two rights")
	}
	t.Logf("%d pairs: %v allowed", n*len(rights)*len(dir.Principals), allowed)
	for _, right := range rights {
		check.That(t, allowed[right.Name] != 0,
			"%s is never allowed: %v, want each right allowed at least once", right.Name, allowed)
	}
}
