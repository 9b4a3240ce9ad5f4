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
			check.That(t, !duplicates(t, a), "%d values, with case: Duplicates = true, want false", n)
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
			check.That(t, duplicates(t, a), "%d values, without case: Duplicates = false, want true", n)
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
		for _, letter := range []string{"K", "k"} { // a value that differs only in case is above or below the wanted one
			own := strs("a")
			own.Flags = FlagCaseSensitive
			for i := range n {
				own.Strings = append(own.Strings, fmt.Sprintf("%s%02d", letter, i))
			}
			env := &testEnv{sets: [4]*Set{User: mustSet(own)}}
			for _, v := range []string{"K05", "k05", "K00", "k00"} {
				want := False
				if slices.Contains(own.Strings, v) {
					want = True
				}
				check.Equal(t, mustParse(`(@User.a Contains "`+v+`")`).Eval(env), want, "%d values in %s, with case: Contains %s",
					n, letter, v)
			}
		}
		for _, at := range []int{0, n / 2, n - 1} {
			same := fmt.Sprintf("k%02d", at)
			again := strs("a", append(slices.Clone(once), same)...)
			check.That(t, duplicates(t, again), "%d values and %s, without case: Duplicates = false, want true", n, same)
			again.Flags = FlagCaseSensitive
			check.That(t, !duplicates(t, again), "%d values and %s, with case: Duplicates = true, want false", n, same)
			again.Strings[n] = once[at]
			check.That(t, duplicates(t, again), "%d values and %s, with case: Duplicates = false, want true", n, once[at])
		}
	}
}

// duplicates returns the result of Duplicates, which must be the same for a list with an order and without one.
func duplicates(t *testing.T, a Attribute) bool {
	t.Helper()
	sorted := a.clone()
	sorted.setOrder()
	got := sorted.Duplicates()
	check.Equal(t, a.Duplicates(), got, "%d values: Duplicates without an order, compared with the sorted list", a.Len())
	return got
}
