package words_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// format returns queries as text: the mask, and the levels with the first digits of the types.
func format(list []words.Query) string {
	var all []string
	for _, q := range list {
		text := fmt.Sprintf("%#x", uint32(q.Desired))
		for _, e := range q.Types {
			text += fmt.Sprintf(" %d:%.8s", e.Level, e.GUID.String())
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// Several rights are one query, except that control gives two of which one suffices. Different masks on different
// types cannot be combined.
func TestRightsAreCombinedIntoQueries(t *testing.T) {
	for _, c := range []struct{ rights, types, want string }{
		{"0x1+0x2", "", "0x3"}, {"control", "", "0x40000; 0x80000"}, {"control", "member", "0x40000; 0x80000"},
		{"RP", "", "0x10"}, {"RP", "member", "0x10 0:00000000 1:bc0ac240 2:bf9679c0"},
		{"RP", "member displayName", "0x10 0:00000000 1:bc0ac240 2:bf9679c0 1:59ba2f42 2:bf967953"},
		{"WP:member", "", "0x20 0:00000000 1:bc0ac240 2:bf9679c0"},
		{"WP:member", "displayName", "0x20 0:00000000 1:bc0ac240 2:bf9679c0"}, // the right names its type itself
		{"WP:member+WP:displayName", "", "0x20 0:00000000 1:bc0ac240 2:bf9679c0 1:59ba2f42 2:bf967953"},
		{"WP:member+RP:displayName", "", "error: these rights ask for different masks"},
		{"WP:member+RP:member", "", "error: these rights ask for different masks"},
		{"WP:member+RP", "", "error: these rights ask for different masks"},
		{"RP+WP:member", "", "error: these rights ask for different masks"},
		{"RP+WP", "member", "error: these rights ask for different masks"},
		{"control+read", "", "error: control cannot be combined"},
		{"read+control", "", "error: control cannot be combined"}, {"DCSync", "", "0x100 0:00000000 1:1131f6aa 1:1131f6ad"},
		{"RP|KEY_SET_VALUE:member", "", "error: KEY_SET_VALUE is a right on objects of another type than"}, // B-91
	} {
		rights := check.Must(words.Parse(c.rights))
		chains := check.Must(words.Chains(strings.Fields(c.types)))
		list, err := words.Queries(rights, chains, winnt.DirectoryServiceObject)
		got := format(list)
		if err != nil {
			got = "error: " + err.Error()
		}
		check.That(t, got == c.want || strings.HasPrefix(c.want, "error") && strings.HasPrefix(got, c.want),
			"%s on %q: %s, want %s", c.rights, c.types, got, c.want)
	}
	check.That(t, check.Err(words.Chains([]string{"member", "nosuchname"})) != nil,
		"an object type that does not exist was read")
}

// TestDivideGroupsPartsByType checks that parts about the same types are one group, each right knows its places in the
// groups, and no two parts share a place.
func TestDivideGroupsPartsByType(t *testing.T) {
	groups, places := words.Divide(rightsOf(t, "RC+DCSync+WP:member+RP:member+WD+CR:DS-Replication-Get-Changes"),
		winnt.DirectoryServiceObject)
	var got []string
	for _, g := range groups {
		got = append(got, treeText(g.Types)+": "+fmt.Sprint(g.Masks))
	}
	want := []string{": [0x20000 0x40000]", "0 " + object + ", 1 " + changesGUID + ": [0x100 0x100]",
		"0 " + object + ", 1 " + changesAllGUID + ": [0x100]",
		"0 " + object + ", 1 " + membershipGUID + ", 2 " + memberGUID + ": [0x20 0x10]"}
	check.That(t, slices.Equal(got, want), "groups %q, want %q", got, want)
	check.Equal(t, fmt.Sprint(places), "[[{0 0}] [{1 0} {2 0}] [{3 0}] [{3 1}] [{0 1}] [{1 1}]]", "places")
}
