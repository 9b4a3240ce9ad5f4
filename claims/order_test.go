package claims

import (
	"fmt"
	"slices"
	"testing"
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
			if a.Duplicates() {
				t.Errorf("%d values, with case: Duplicates = true, want false", n)
			}
			env := &testEnv{sets: [4]*Set{User: mustSet(a)}}
			ask := func(value string, want Truth) {
				t.Helper()
				if got := mustParse(`(@User.a Contains "` + value + `")`).Eval(env); got != want {
					t.Errorf("%d values, %s: Contains %q = %v, want %v", n, order, value, got, want)
				}
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
			if !a.Duplicates() {
				t.Errorf("%d values, without case: Duplicates = false, want true", n)
			}
		}
		var once []string
		for i := range n {
			once = append(once, fmt.Sprintf("K%02d", i))
		}
		env := &testEnv{sets: [4]*Set{User: mustSet(strs("a", once...))}}
		for i := range n {
			for _, v := range []string{"K", "k"} {
				if got := mustParse(fmt.Sprintf(`(@User.a Contains "%s%02d")`, v, i)).Eval(env); got != True {
					t.Errorf("%d values, without case: Contains %s%02d = %v, want %v", n, v, i, got, True)
				}
			}
		}
		again := strs("a", append(slices.Clone(once), "k00")...)
		if !again.Duplicates() {
			t.Errorf("%d values and k00, without case: Duplicates = false, want true", n)
		}
		if again.Flags = FlagCaseSensitive; again.Duplicates() {
			t.Errorf("%d values and k00, with case: Duplicates = true, want false", n)
		}
	}
}
