package access_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ExampleChanges prints what would let a guest write.
func ExampleChanges() {
	t, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-501","groups":["BG","WD"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	changes, err := access.Changes(&access.Request{Descriptor: sddl.MustParse("O:BAG:SYD:(D;;0x2;;;BG)(A;;FA;;;WD)"),
		Subject: access.Subject{Primary: t}, Desired: winnt.FILE_WRITE_DATA, Type: winnt.FileObject})
	if err != nil {
		fmt.Println(err)
	}
	for _, c := range changes {
		fmt.Println(c)
	}
	// Output:
	// drop DACL entry 1 (D;;0x2;;;BG)
	// put (A;;0x2;;;S-1-5-21-1-2-3-501) before the other entries
}

// changeTexts returns the changes of a request as text.
func changeTexts(t *testing.T, r *access.Request) (lines []string) {
	t.Helper()
	changes := check.Must(access.Changes(r))
	for _, c := range changes {
		lines = append(lines, c.String())
	}
	return lines
}

// Changes returns all changes in the order that an administrator prefers: a group, a privilege, a limit of the token,
// an entry of the object.
func TestChangesAreOrdered(t *testing.T) {
	const guests = "S-1-5-32-546 (Guests)"
	put := func(mask, who string) string { return "put (A;;" + mask + ";;;" + who + ") before the other entries" }
	u, g := caseU.String(), caseG.String()
	for _, c := range []struct {
		what, sd string
		desired  winnt.AccessMask
		change   func(*token.Spec)
		ask      func(*access.Request)
		want     []string
	}{
		{"a disabled group", "…(A;;0x1;;;G)", 1, groupG(token.GroupDisabled), nil,
			[]string{"enable " + g + ", which the token holds disabled or for deny only", put("0x1", u)}},
		{"a deny-only group", "…(A;;0x1;;;G)", 1, groupG(denyOnly), nil,
			[]string{"enable " + g + ", which the token holds disabled or for deny only", put("0x1", u)}},
		{"a disabled group that owns new objects", "…(A;;0x1;;;G)", 1, func(s *token.Spec) {
			groupG(winnt.SE_GROUP_OWNER)(s)
			s.Owner = caseG
		}, nil, []string{"enable " + g + ", which the token holds disabled or for deny only", put("0x1", u)}},
		{"a group that a full token has no room for", "…(A;;0x1;;;BG)", 1, func(s *token.Spec) {
			domain := sid.MustParse("S-1-5-21-8-8-8")
			for n := uint32(1); len(s.Groups) < token.MaxGroups; n++ {
				s.Groups = append(s.Groups, token.Group{SID: domain.WithRID(n)})
			}
		}, nil, []string{put("0x1", u)}},
		{"two groups, one repeated, and an inherit-only entry", "…(A;;0x1;;;BG)(A;IO;0x1;;;BU)(A;;0x1;;;BG)" +
			"(A;;0x1;;;AN)", 1, nil, nil, []string{"make the user a member of " + guests,
			"make the user a member of S-1-5-7 (ANONYMOUS LOGON)", put("0x1", u)}},
		{"OWNER RIGHTS and a placeholder SID", "…(A;;0x1;;;OW)(A;;0x1;;;PS)", 1, nil, nil,
			[]string{"make the user a member of S-1-5-32-544 (Administrators)", put("0x1", u)}},
		{"a disabled privilege", "…(A;;0x1;;;WD)", saclBit, func(s *token.Spec) {
			s.Privileges = usedSec
		}, nil, []string{"enable SeSecurityPrivilege, which the token holds disabled"}},
		{"WRITE_OWNER", "…", winnt.WRITE_OWNER, nil, nil, []string{"give the token SeTakeOwnershipPrivilege, enabled",
			"give the token SeRelabelPrivilege, enabled", put("WO", u)}},
		{"a generic right to read, mapped in the entry", "…", winnt.GENERIC_READ, nil, nil, []string{put("FR", u)}},
		{"a generic right to write", "…", winnt.GENERIC_WRITE, nil, nil, []string{put("FW", u)}},
		{"a generic right to execute", "…", winnt.GENERIC_EXECUTE, nil, nil, []string{put("FX", u)}},
		{"to write, with a right of its own", "…", winnt.GENERIC_WRITE | 1, nil, nil, []string{put("0x120117", u)}},
		{"the integrity level", "…(A;;FA;;;WD)S:(ML;;NW;;;HI)", 2, medium, nil, []string{
			"raise the token's integrity level to High", "drop SACL entry 1 (ML;;NW;;;HI)"}},
		{"a policy", "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 2, nil, rulePolicy(""), []string{
			"drop SACL entry 1 (SP;;;;;S-1-17-1)"}},
		{"a trust label", "…(A;;FA;;;WD)S:(AU;SA;FA;;;WD)(TL;;RC;;;S-1-19-512-8192)", 2, nil, nil, []string{
			"drop SACL entry 2 (TL;;RC;;;S-1-19-512-8192)"}},
		{"an access filter", "…(A;;FA;;;WD)S:(FL;;0x1;;;WD;(@User.x==1))", 2, nil, nil, []string{
			"drop SACL entry 1 (FL;;0x1;;;WD;(@USER.x == 1))"}},
		{"two limits", "…(A;;FA;;;WD)S:(FL;;0x1;;;WD;(@User.x==1))(TL;;RC;;;S-1-19-512-8192)", 2, nil, nil, []string{
			"drop SACL entry 1 (FL;;0x1;;;WD;(@USER.x == 1)), and drop SACL entry 2 (TL;;RC;;;S-1-19-512-8192)"}},
		{"two denials, and an entry between them that is settled",
			"…(D;;0x1;;;AU)(A;;0x2;;;WD)(D;;0x1;;;WD)(A;;0x3;;;U)", 3, nil, nil, []string{
				"put (A;;0x3;;;" + caseU.String() + ") before the other entries"}},
		{"the restriction", "…(A;;0x3;;;U)(A;;0x1;;;RC)", 3, restricted(sid.Restricted), nil, []string{
			"use a token that is not restricted", put("0x3", "RC")}},
		{"the restriction in writing", "…(A;;0x2;;;U)", 2, join(restricted(sid.Restricted), writeRestricted), nil, []string{
			"use a token that is not restricted", put("0x2", "RC")}},
		{"the user for deny only", "…(A;;0x1;;;U)", 1, func(s *token.Spec) { s.User.Attributes = denyOnly }, nil, []string{
			"enable " + u + ", which the token holds disabled or for deny only"}},
		{"the AppContainer", "…(A;;0x3;;;U)(A;;0x1;;;P)", 3, appMedium, nil, []string{
			"leave the AppContainer", put("0x3", casePkg.String())}},
		{"no DACL and an AppContainer", "O:BAG:SY", 3, join(appMedium, func(s *token.Spec) {
			s.LowBoxNumber, s.LowPrivilege = 7, true
		}), nil, []string{"leave the AppContainer"}},
		{"A-152 a denial of OWNER RIGHTS, for the owner", "U:(D;;0x1;;;OW)", winnt.READ_CONTROL, nil, nil, []string{
			"drop DACL entry 1 (D;;0x1;;;OW)", put("RC", u)}},
		{"two restricting SIDs", "…(A;;0x3;;;U)(A;;0x1;;;RC)", 3, restricted(sid.Restricted, sid.Guests), nil, []string{
			"use a token that is not restricted", put("0x3", "RC")}},
		{"the token's own level among its groups", "…(A;;0x2;;;ME)S:(ML;;NW;;;ME)", 2, func(s *token.Spec) {
			s.Integrity = sid.SID{}
			s.Groups = append(s.Groups, token.Group{SID: sid.MediumLevel,
				Attributes: winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED})
		}, nil, []string{
			"enable S-1-16-8192 (Medium Mandatory Level), which the token holds disabled or for deny only", put("0x2", u)}},
		{"A-62 no DACL, an AppContainer at Low", "O:BAG:SY", 2, appContainer, nil, []string{
			"raise the token's integrity level to Medium, and leave the AppContainer"}},
		{"A-50 the same and a privilege", "O:BAG:SY", saclBit | 2, appContainer, nil, []string{
			"give the token SeSecurityPrivilege, enabled, and raise the token's integrity level to Medium, " +
				"and leave the AppContainer"}},
		{"A-50 no DACL, an AppContainer and a privilege", "O:BAG:SY", saclBit | 1, appMedium, nil, []string{
			"give the token SeSecurityPrivilege, enabled, and leave the AppContainer"}},
		{"the restriction and a group", "…(A;;0x1;;;BG)", 1, restricted(sid.Restricted), nil, []string{
			"make the user a member of " + guests + ", and use a token that is not restricted",
			"make the user a member of " + guests + ", and " + put("0x1", "RC"),
			"use a token that is not restricted, and " + put("0x1", u), put("0x1", u) + ", and " + put("0x1", "RC")}},
		{"a denial, and an inherit-only entry", "…(D;IO;0x1;;;WD)(D;;0x1;;;WD)(A;;0x1;;;WD)", 1, nil, nil,
			[]string{"drop DACL entry 2 (D;;0x1;;;WD)", put("0x1", u)}},
		{"as much as there is: an entry that reads", "…(A;;GA;;;BG)", maxMask, nil, nil, []string{
			"make the user a member of " + guests, "make the user a member of S-1-5-32-544 (Administrators)",
			put("FR", u)}},
		{"A-50 a privilege that is not held", "…(A;;0x1;;;WD)", saclBit, nil, nil, []string{
			"give the token SeSecurityPrivilege, enabled"}},
		{"A-62 the default label", "…(A;;FA;;;WD)", 2, low, nil, []string{"raise the token's integrity level to Medium"}},
		{"A-62 the default label and a group", "…(A;;FA;;;BG)", 2, low, nil, []string{
			"make the user a member of " + guests + ", and raise the token's integrity level to Medium",
			"raise the token's integrity level to Medium, and " + put("0x2", u)}},
		{"A-56 the owner", "…", winnt.READ_CONTROL, nil, nil, []string{
			"make the user a member of S-1-5-32-544 (Administrators)", put("RC", u)}},
		{"A-54 backup", "…", 1, nil, intent(true, false), []string{"give the token SeBackupPrivilege, enabled",
			put("0x1", u)}},
		{"A-54 restore", "…", 2, nil, intent(false, true), []string{"give the token SeRestorePrivilege, enabled",
			put("0x2", u)}},
		{"A-54 backup, disabled", "…", 1, func(s *token.Spec) { s.Privileges = winnt.SeBackupPrivilege.Bit() },
			intent(true, false), []string{"enable SeBackupPrivilege, which the token holds disabled", put("0x1", u)}},
		{"A-62 the default label of a process", "…(A;;FA;;;WD)", 2, join(low, primary), nil,
			[]string{"raise the token's integrity level to Medium"}},
		{"an entry that only the extended form prints", "…(0x0a;;0x1;;;WD;#01020304)(A;;0x1;;;WD)", 1, nil, nil,
			[]string{"drop DACL entry 1 (0x0a;;0x1;;;WD;#01020304)", put("0x1", u)}},
		{"an entry for the token's own level", "…(A;;0x2;;;ME)", 2, medium, nil, []string{
			"enable S-1-16-8192 (Medium Mandatory Level), which the token holds disabled or for deny only", put("0x2", u)}},
		{"A-30: a level that no change can raise", "…", 1, level(winnt.SecurityIdentification), nil, nil},
		{"A-25: a malformed object type list", "…", 1, nil, func(r *access.Request) { r.ObjectTypes = wrongList }, nil},
	} {
		pc := plainCase{sd: c.sd, desired: c.desired, change: c.change, ask: c.ask}
		r := pc.request(t)
		was, own := *r, r.Subject.Effective()
		got := changeTexts(t, r)
		check.That(t, slices.Equal(got, c.want), "Changes, %s: got\n%q\nwant\n%q", c.what, got, c.want)
		check.That(t, r.Subject == was.Subject && r.Descriptor == was.Descriptor && r.Subject.Effective() == own,
			"Changes, %s: the request or its token changed", c.what)
	}
}

// Changes returns at most 12 changes. Changes for groups leave room for the other kinds.
func TestChangesAreLimitedInNumber(t *testing.T) {
	allows := func(n int) string {
		var b strings.Builder
		b.WriteString("…")
		for i := range n {
			fmt.Fprintf(&b, "(A;;0x1;;;S-1-5-21-7-7-7-%d)", 1+i)
		}
		return b.String()
	}
	for n, want := range map[int]int{1: 2, 10: 11, 11: 12, 12: 12, 16: 12, 40: 12} {
		got := changeTexts(t, newRequest(t, allows(n), 1))
		check.That(t, len(got) == want, "%d groups would grant access: %d changes, want %d", n, len(got), want)
		for i, text := range got[:min(n, want)] {
			w := fmt.Sprintf("make the user a member of S-1-5-21-7-7-7-%d", 1+i)
			check.That(t, text == w, "%d groups would grant access: change %d is %q, want %q", n, i, text, w)
		}
	}
	// Changes tries at most 16 groups. The group of the last entry would grant access.
	for n, want := range map[int]bool{15: true, 16: false} {
		r := newRequest(t, allows(n)+"(A;;0x2;;;BG)", 2)
		got := strings.Join(changeTexts(t, r), "\n")
		check.That(t, strings.Contains(got, "(Guests)") == want,
			"with %d groups before the one that would grant access: it is suggested: %t, want %t in %s", n, !want, want, got)
	}
}

// Changes tries at most 48 single steps, of them at most 23 that drop an entry, and triples of the first 24 steps. In
// each pair of rows, one more denial moves the step or its last part behind the limit.
func TestChangesTryLimitedSteps(t *testing.T) {
	const label, policy = "(ML;;NX;;;HI)", "(SP;;;;;S-1-17-1)"
	const filter, shown = "(FL;;0x1;;;WD;(@User.x==1))", "(FL;;0x1;;;WD;(@USER.x == 1))"
	const triple = "drop SACL entry 1 " + shown + ", and drop SACL entry 2 " + shown + ", and drop SACL entry 3 " + shown
	const pair = "drop SACL entry 1 " + shown + ", and drop SACL entry 2 " + shown
	put := "put (A;;0x40;;;" + casePkg.String() + ") before the other entries"
	boxed := join(appMedium, restricted(sid.Everyone))
	for _, c := range []struct {
		denials int
		sacl    string
		desired winnt.AccessMask
		change  func(*token.Spec)
		ask     func(*access.Request)
		step    string
		want    bool
	}{
		// 16 groups, 5 privileges, 3 limits, 18 and 3 drops, and entries for the user, a restricting SID and the package.
		{18, label + label + label, 0x40, boxed, intent(true, true), put, true},
		{19, label + label + label, 0x40, boxed, intent(true, true), put, false},
		// 19 and 4 drops
		{19, policy + policy + policy + filter, 2, nil, nil, "drop SACL entry 4 " + shown, true},
		{20, policy + policy + policy + filter, 2, nil, nil, "drop SACL entry 4 " + shown, false},
		// 16 groups, 3 privileges, 2 and 3 drops
		{2, filter + filter + filter, 2, nil, nil, triple, true},
		{3, filter + filter + filter, 2, nil, nil, triple, false},
		// Pairs of all 16 groups, 3 privileges, 20 and 2 drops
		{20, filter + filter, 2, nil, nil, pair, true},
	} {
		text := "…"
		for i := range 16 {
			text += fmt.Sprintf("(A;;0x4;;;S-1-5-21-7-7-7-%d)", 1+i)
		}
		for i := range c.denials {
			text += fmt.Sprintf("(D;;0x4;;;S-1-5-21-8-8-8-%d)", 1+i)
		}
		pc := plainCase{sd: text + "(A;;FA;;;WD)S:" + c.sacl, desired: c.desired, change: c.change, ask: c.ask}
		got := changeTexts(t, pc.request(t))
		check.Equal(t, slices.Contains(got, c.step), c.want, "after %d denials, Changes = %q, has %q", c.denials, got, c.step)
	}
}

// Changes does not rebuild the ACL for each candidate, so it allocates little even for a full ACL.
func TestChangesAllocateLittle(t *testing.T) {
	d := fullList(t)
	r := &access.Request{Descriptor: d, Subject: access.SubjectOf(benchToken(t, 20)), Desired: 1, Type: winnt.FileObject}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	changes, err := access.Changes(r)
	runtime.ReadMemStats(&after)
	check.That(t, err == nil && len(changes) != 0,
		"Changes of a full ACL: %v, %v; want at least one, no error", changes, err)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(4*d.Size()); got > most {
		t.Errorf("Changes allocated %d bytes for a descriptor of %d bytes, want at most %d", got, d.Size(), most)
	}
}

// Changes returns none for a granted request and some for most denied ones. A change that drops entries is sufficient
// and minimal: without its entries the descriptor grants the request, and with one of them it does not.
func TestDroppingSuggestedEntriesGrants(t *testing.T) {
	w := questions.World{Rand: rand.New(rand.NewPCG(7, 7))}
	denials, found, tried, many := 0, 0, 0, 0
	for range randtest.Size(25_000) {
		r := w.Request(w.Descriptor(), mustToken(t, w.Spec()), mustToken(t, w.Spec()))
		changes := check.Must(access.Changes(r))
		switch d := check.Must(access.SeAccessCheck(r)); {
		case !d.Allowed():
			if denials++; changes != nil {
				found++
			}
		case changes != nil:
			t.Errorf("Changes of a granted request: %v, want none", changes)
		}
		for _, c := range changes {
			drops := dropsOf(c)
			if drops == nil {
				continue
			}
			tried++
			if len(drops) > 1 {
				many++
			}
			if d := checkWithout(t, r, drops); !d.Allowed() {
				t.Errorf(`without the entries of change "%s": %v, want access`, c, d)
			}
			for i := range drops {
				d := checkWithout(t, r, slices.Delete(slices.Clone(drops), i, i+1))
				check.That(t, !d.Allowed(),
					`change "%s" also grants access if entry %v stays, want it to need every entry`, c, drops[i])
			}
		}
	}
	check.That(t, found >= denials/2, "Changes found some for %d of %d denials, want at least half", found, denials)
	check.That(t, tried >= 20 && many >= 5,
		"%d changes that drop entries were tried, %d with several; want at least 20 and 5", tried, many)
}

// A drop is an entry that a change removes from a list.
type drop struct {
	list string
	at   int
}

// dropsOf returns the entries that a change drops, or nil if it does anything else.
func dropsOf(c access.Change) (all []drop) {
	for _, s := range c.Steps {
		var d drop
		if n, _ := fmt.Sscanf(s, "drop %s entry %d", &d.list, &d.at); n != 2 {
			return nil
		}
		d.at--
		all = append(all, d)
	}
	return all
}

// checkWithout checks the request on the descriptor without the given entries.
func checkWithout(t *testing.T, r *access.Request, drops []drop) access.Decision {
	t.Helper()
	p := r.Descriptor.Parts()
	for list, of := range map[string]**sd.ACL{"DACL": &p.DACL, "SACL": &p.SACL} {
		if !slices.ContainsFunc(drops, func(d drop) bool { return d.list == list }) {
			continue
		}
		var left []sd.ACE
		for i, a := range (*of).All() {
			if !slices.Contains(drops, drop{list, i}) {
				left = append(left, a)
			}
		}
		*of = check.Must(sd.NewACL(left...))
	}
	again := *r
	again.Descriptor = sd.New(p)
	return check.Must(access.SeAccessCheck(&again))
}
