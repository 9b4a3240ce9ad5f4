package bulk

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
)

// TestOldSetIsNotWrittenAgain checks that the table of sets has a set once, until two generations of other sets follow.
func TestOldSetIsNotWrittenAgain(t *testing.T) {
	w := &setWriter{run: &Run{}}
	most := w.run.maxSets()
	for i := range 2*most + 2 {
		id := setID{byte(i), byte(i >> 8), byte(i >> 16)}
		check.RequireThat(t, w.first(id) && !w.first(id), "set %d is not written once", i)
		if i == most {
			check.That(t, !w.first(setID{1}) && !w.first(setID{1}), "a set of the old generation is written again")
		}
	}
	check.That(t, w.first(setID{2}), "a forgotten set is not written")
}

// TestSetIsWrittenInItsShorterForm checks that a set is written as ranges of numbers or as a bitmap, whichever is
// shorter.
func TestSetIsWrittenInItsShorterForm(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 0))
	forms := map[bool]int{}
	for i := range 400 {
		s := make(effective.Set, 1+random.IntN(6))
		members := map[int]bool{}
		for range []int{0, 1, 3, 8, 30, 60, 200}[i%7] {
			from := random.IntN(64 * len(s))
			for n := range 1 + random.IntN(1+i%5*8) {
				if from+n < 64*len(s) {
					s[(from+n)/64] |= 1 << ((from + n) % 64)
					members[from+n] = true
				}
			}
		}
		var ranges []string
		for at := 0; at < 64*len(s); at++ {
			first := at
			for members[at+1] && members[first] {
				at++
			}
			if members[first] && at > first {
				ranges = append(ranges, fmt.Sprintf("%d-%d", first, at))
			} else if members[first] {
				ranges = append(ranges, fmt.Sprint(first))
			}
		}
		var expression []byte
		if i%3 == 0 {
			expression = []byte(`"x"`)
		}
		head := fmt.Sprintf(`{"set":"%s","count":%d`, string(make([]byte, len(setID{}))), len(members))
		if expression != nil {
			head += `,"expression":"x"`
		}
		got := string(appendSet([]byte("before"), setID{}, uint32(len(members)), s, expression))
		var raw []byte
		for _, w := range s {
			for b := range 8 {
				raw = append(raw, byte(w>>(8*b)))
			}
		}
		ids := "before" + head + `,"ids":"` + strings.Join(ranges, ",") + "\"}\n"
		bitmap := "before" + head + `,"bitmap":"` + base64.StdEncoding.EncodeToString(raw) + "\"}\n"
		longer := len(ids) - len(bitmap) // a few bytes do not matter
		check.That(t, (got == ids || got == bitmap) && (got != ids || longer <= 4) && (got != bitmap || longer >= -4),
			"%d of %d: got\n%swant the shorter of\n%s%s", len(members), 64*len(s), got, ids, bitmap)
		check.That(t, json.Valid([]byte(strings.TrimPrefix(strings.ReplaceAll(got, "\x00", "0"), "before"))),
			"output %s is not JSON, want JSON", got)
		forms[got == ids]++
	}
	check.That(t, forms[true] >= 50 && forms[false] >= 50,
		"%d sets as ranges, %d as bitmaps, want at least 50, at least 50", forms[true], forms[false])
}
