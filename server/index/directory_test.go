package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLooksAtADirectory: all of what each look at a directory file tells, whatever the file had before: nothing but
// the moment where it has what counts, that it changes where it has another thing than at the last look, then who the
// people are or why it cannot be used. The moment is that before the look (N-7, N-11).
func TestLooksAtADirectory(t *testing.T) {
	name := filepath.Join(t.TempDir(), "firm.yaml")
	contents := map[string]string{"none": "", "one": "users:\n- {name: ann, sid: S-1-5-21-1-2-3-1107}\n",
		"two":     "users:\n- {name: bea, sid: S-1-5-21-1-2-3-1108}\n- {name: ann, sid: S-1-5-21-1-2-3-1107}\n",
		"garbage": "users: [", "": ""} // "": there is no file
	people := map[string]string{"one": "ann", "two": "bea ann"}
	names := []string{"one", "two", "garbage", "", "none"}
	r := rand.New(rand.NewPCG(7, 11))
	look := reading{file: name}
	known, last := "", "" // what counts, and what the last look found
	met := map[string]int{}
	at := time.Unix(1_000_000, 0)
	for range 400 {
		here := last
		if r.IntN(2) == 0 {
			here = names[r.IntN(len(names))]
		}
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if here != "" {
			if err := os.WriteFile(name, []byte(contents[here]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		at = at.Add(time.Second)
		taken := 0
		look.clock = func() Beat { // what is written while it is read does not count as read
			taken++
			return Beat{Time: at, Up: 7}
		}
		got := look.look()
		kind := ""
		switch {
		case here == "":
			kind = "no file"
		case here == known:
			kind = "it counts"
		case here != last:
			kind = "it changes"
		case people[here] == "":
			kind = "it cannot be used"
		default:
			kind = "it counts from now on"
		}
		met[kind]++
		var who []string
		if got.People != nil {
			for _, p := range got.People.Principals {
				who = append(who, p.Name)
			}
		}
		sum := sha256.Sum256([]byte(contents[here]))
		fresh := kind == "it counts from now on"
		vouched := fresh || kind == "it counts"
		switch {
		case (got.Err != nil) == vouched, vouched != (got.Beat == Beat{Time: at, Up: 7}), taken != 1,
			!vouched && got.Beat != Beat{}, fresh != (got.People != nil), fresh != (got.Name == hex.EncodeToString(sum[:8])),
			!fresh && got.Name != "", fresh != bytes.Equal(got.File, []byte(contents[here])) && here != "none" && here != "",
			!fresh && got.File != nil, fresh && strings.Join(who, " ") != people[here],
			errors.Is(got.Err, errChanging) != (kind == "it changes"), got.Passing() != (kind == "it changes"),
			kind == "no file" && !errors.Is(got.Err, os.ErrNotExist),
			kind == "it cannot be used" && !strings.HasPrefix(got.Err.Error(), name+": "):
			t.Fatalf("N-11: %s: %q behind %q, where %q counts: %+v", kind, here, last, known, got)
		}
		if fresh {
			known = here
		}
		if here != "" {
			last = here
		}
	}
	for _, kind := range []string{"no file", "it counts", "it changes", "it cannot be used",
		"it counts from now on"} {
		if met[kind] < 10 {
			t.Errorf("%s: met %d times", kind, met[kind])
		}
	}
}
