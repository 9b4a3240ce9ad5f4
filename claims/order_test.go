package claims

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A long list, which is sorted, has the same results as a short one. Each value is found, with or without case, and a
// value in between is not (S-32, A-114).
func TestLongListsMatchShortLists(t *testing.T) {
	for _, n := range []int{shortList - 1, shortList, shortList + 1, 40} {
		var values []string
		for i := range n {
			values = append(values, []string{"K", "k"}[i&1]+fmt.Sprintf("%02d", i/2)) // each twice, in different case
		}
		for _, order := range []string{"ascending", "descending"} {
			a := strs("a", values...)
			if order == "descending" {
				a.Strings = slices.Clone(values)
				slices.Reverse(a.Strings)
			}
			a.Flags = FlagCaseSensitive
			check.That(t, !a.Duplicates(), "%d values, with case: Duplicates = true, want false", n)
			env := &testEnv{sets: [4]*Set{User: mustSet(a)}}
			ask := func(value string, want Truth) {
				t.Helper()
				check.Equal(t, mustParse(`(@User.a Contains "`+value+`")`).Eval(env), want,
					"%d values, %s: Contains %q", n, order, value)
			}
			for _, v := range values {
				ask(v, True)
			}
			for _, v := range []string{"j", "K", "K0", "k0", "K000", "k99", "l", "", "\u212A00", "K0\u0030x"} {
				ask(v, False)
			}
			if n&1 != 0 { // the last number has no lower-case form in the list
				ask(fmt.Sprintf("k%02d", n/2), False)
			}
			a.Flags = 0
			check.That(t, a.Duplicates(), "%d values, without case: Duplicates = false, want true", n)
		}
		var once []string
		for i := range n {
			once = append(once, fmt.Sprintf("K%02d", i))
		}
		env := &testEnv{sets: [4]*Set{User: mustSet(strs("a", once...))}}
		for i := range n {
			for _, v := range []string{"K", "k"} {
				check.Equal(t, mustParse(fmt.Sprintf(`(@User.a Contains "%s%02d")`, v, i)).Eval(env), True,
					"%d values, without case: Contains %s%02d", n, v, i)
			}
		}
		again := strs("a", append(slices.Clone(once), "k00")...)
		check.That(t, again.Duplicates(), "%d values and k00, without case: Duplicates = false, want true", n)
		again.Flags = FlagCaseSensitive
		check.That(t, !again.Duplicates(), "%d values and k00, with case: Duplicates = true, want false", n)
	}
}
