package trail

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFirstDenialCodeExplainsDenial checks that the first refusal is why a denial, and each grant is why a
// success; codes that decide nothing are no reason. Source: the messages 1801
// to 1841 of Windows' audit messages.
func TestFirstDenialCodeExplainsDenial(t *testing.T) {
	for code, want := range map[int]struct{ granted, denied string }{
		1801: {"granted by E", ""}, 1802: {"", "denied by E"}, 1803: {"", "denied by the integrity level E"},
		1804: {"granted to the owner E", ""}, 1805: {"", "not granted by any entry E"},
		1806: {"there is no DACL E", ""}, 1807: {"", "the DACL is empty E"}, 1810: {"", "a privilege is missing E"},
		1813: {"granted by a central access rule E", ""}, 1814: {"", "not granted by a central access rule E"},
		1830: {"", "not granted to app containers E"}, 1841: {"", "denied by the trust label E"},
		1808: {"there is no security descriptor E", ""}, 1811: {"granted by the directory's entry E", ""},
		1812: {"", "denied by the directory's entry E"}, 1815: {"granted by the directory's central access rule E", ""},
		1816: {"", "not granted by the directory's central access rule E"},
		1809: {},
	} {
		access := fmt.Sprintf("0x1 4416 %d E", code)
		check.Equal(t, Why(stored{id: 4656, access: access}.event(t)), want.granted, "%d of a success", code)
		got := Why(stored{id: 4656, failure: true, access: access}.event(t))
		check.That(t, want.denied == "" || got == want.denied, "%d of a denial: %q, want %q", code, got, want.denied)
		// A refusal precedes every grant of the same record.
		access = "0x1 4416 1801 G\n0x2 4417 1809\n" + strings.Replace(access, "0x1 4416", "0x4 4418", 1)
		got = Why(stored{id: 4656, failure: true, access: access}.event(t))
		check.That(t, want.denied == "" || got == want.denied, "%d behind a grant: %q, want %q", code, got, want.denied)
	}
}

// Of a list of groups the first 64 are shown.
func TestLongListOfGroupsIsCut(t *testing.T) {
	groups := func(n int) string {
		list := strings.Repeat(`"S-1-5-21-1-2-3-4",`, n)
		return details(stored{id: 4627, data: `"GroupMembership":[` + list[:len(list)-1] + `]`}.event(t))
	}
	const one = "S-1-5-21-1-2-3-4"
	want := "with the groups " + strings.Repeat(one+",", maxNamed-1) + one
	check.Equal(t, groups(maxNamed), want, "64 groups")
	check.Equal(t, groups(maxNamed+1), want+",…", "65 groups")
}

// The codes of a change of the audit policy are shown as words. Source: the messages 8448 to 8459 of Windows' audit
// messages.
func TestPolicyChangeCodesBecomeWords(t *testing.T) {
	for i, want := range []string{"success removed", "success added", "failure removed", "failure added",
		"success no longer included", "success included", "success no longer excluded", "success excluded",
		"failure no longer included", "failure included", "failure no longer excluded", "failure excluded"} {
		e := stored{id: 4912, data: fmt.Sprintf(`"AuditPolicyChanges":["%%%%%d"]`, 8448+i)}.event(t)
		check.Equal(t, details(e), want, "%d", 8448+i)
	}
}
