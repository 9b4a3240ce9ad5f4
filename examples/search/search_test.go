package search_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/examples/search"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func principals() (who []search.Principal) {
	for _, p := range []struct{ name, file string }{
		{"alice", `{"user":"S-1-5-21-1-2-3-1107","groups":["DU","WD","S-1-5-21-1-2-3-2001"]}`},
		{"bob", `{"user":"S-1-5-21-1-2-3-1108","groups":["DU","WD"]}`},
		{"guest", `{"user":"S-1-5-21-1-2-3-501","groups":["DG","WD"]}`},
	} {
		t, err := token.Parse([]byte(p.file))
		if err != nil {
			panic(err)
		}
		who = append(who, search.Principal{Name: p.name, Token: t})
	}
	return who
}

func Example() {
	idx, err := search.New(principals())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, text := range []string{
		"O:BAG:SYD:(D;;FR;;;S-1-5-21-1-2-3-501)(A;;FR;;;WD)",
		"O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-2001)",
		"O:BAG:SYD:",
	} {
		fmt.Println(idx.Readers(sddl.MustParse(text).Append(nil)))
	}
	_, err = idx.Readers([]byte{1, 0})
	fmt.Println(err != nil)
	// Output:
	// [alice bob] <nil>
	// [alice] <nil>
	// [] <nil>
	// true
}

// The search returns exactly the names that a single access check grants.
func TestSearchEqualsSingleAccessChecks(t *testing.T) {
	idx := check.Must(search.New(principals()))
	for _, text := range []string{"O:BAG:SY", "O:BAG:SYD:NO_ACCESS_CONTROL", "O:S-1-5-21-1-2-3-1107G:SYD:(A;;RC;;;OW)",
		"O:BAG:SYD:(A;;0x1;;;WD)(D;;0x1;;;WD)",
		`O:BAG:SYD:(XA;;FR;;;WD;(Member_of{SID(S-1-5-21-1-2-3-2001)}))`, "O:BAG:SYD:(A;;FR;;;WD)S:(ML;;NR;;;HI)"} {
		d := sddl.MustParse(text)
		got := check.Must(idx.Readers(d.Append(nil)))
		var want []string
		for _, p := range principals() {
			if dec, err := access.Check(p.Token, d, winnt.FILE_READ_DATA, winnt.FileObject); err != nil {
				t.Fatal(err)
			} else if dec.Allowed() {
				want = append(want, p.Name)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v (%s)", text, got, want, hex.EncodeToString(d.Append(nil)))
		}
	}
}
